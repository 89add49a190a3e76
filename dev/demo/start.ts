/**
 * Command line of `npm start`: storage emulator, Defender simulator and functions on this machine, with a sample of
 * alerts that goes through them.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { keepLocalTrafficFromProxies } from '#shared/config/proxy.ts';
import { SOURCE_CHOICES } from '#shared/config/sourceSettings.ts';
import { type DemoOptions, runDemo } from './demo.ts';
import { DEFAULT_STACK_FILE } from './stackFile.ts';

const interrupted = new AbortController();
// Also when a signal comes twice, as it does through npm: the end is bounded.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort());
}

const program = new Command('npm start --')
  .description('Runs the whole thing on this machine, with sample alerts, and shows what comes out.')
  .option('--backlog <number>', 'submit that many more alerts, as an outbreak does', numberUpTo(100_000), 0)
  .option('--faults', 'let the simulator spoil 5 % of its answers with each of several faults', false)
  .addOption(
    new Option('--source <source>', 'where devices come from').choices(SOURCE_CHOICES).default('defender'),
  )
  .option(
    '--tenants <number>',
    'serve that many tenants; the last one gives its consent late',
    numberUpTo(20),
    1,
  )
  .option('--once', 'end when every alert of the sample is final', false)
  .option('--stack-file <path>', 'write where everything is to this file', DEFAULT_STACK_FILE)
  .action(async (options: DemoOptions) => {
    process.exitCode = await runDemo(options, process.stdout, interrupted.signal);
  });

keepLocalTrafficFromProxies(process.env);
try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function numberUpTo(most: number): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text) || Number(text) > most) {
      throw new InvalidArgumentError(`Give a whole number from 0 to ${most}.`);
    }
    return Number(text);
  };
}
