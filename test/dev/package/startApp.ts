/** Starts an app and prints the stack of what its start throws: `node startApp.ts <folder of the app>`. */
import { loadApp } from '#dev/host/appLoader.ts';
import { installFunctionsCore } from '#dev/host/functionsCore.ts';

const core = installFunctionsCore(() => {});
await loadApp(process.argv[2] ?? '');
await core.start().catch((error: Error) => {
  console.log(error.stack);
  process.exitCode = 1;
});
