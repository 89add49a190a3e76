/**
 * Command line of `npm start`: storage emulator, Defender simulator and functions on this machine, with a sample of
 * alerts that goes through them.
 */
import { keepLocalTrafficFromProxies } from '#shared/config/proxy.ts';
import { parseStartOptions, runDemo, START_USAGE } from './demo.ts';

keepLocalTrafficFromProxies(process.env);
const interrupted = new AbortController();
// Also when a signal comes twice, as it does through npm: the end is bounded.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort());
}

try {
  const options = parseStartOptions(process.argv.slice(2));
  if (options.help) {
    console.log(START_USAGE);
  } else {
    process.exitCode = await runDemo(options, process.stdout, interrupted.signal);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
