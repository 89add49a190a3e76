/** For `node --import`: writes the addresses of all modules that a process has loaded into the file of `RECORDED_MODULES`. */
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const loaded = new Set();
registerHooks({
  load(url, context, next) {
    loaded.add(url);
    return next(url, context);
  },
});
process.on('exit', () => {
  appendFileSync(process.env.RECORDED_MODULES, [...loaded].map((url) => `${url}\n`).join(''));
});
