/** Prints the functions that an app registers as JSON: `node printFunctions.ts <folder of the app>`. */
import { loadApp } from '#dev/host/appLoader.ts';
import { installFunctionsCore } from '#dev/host/functionsCore.ts';

const core = installFunctionsCore(() => {});
await loadApp(process.argv[2] ?? '');
console.log(JSON.stringify(core.functions));
