import { parseArgs } from 'node:util';
import { DEFAULT_STACK_FILE } from './stackFile.ts';

export const START_USAGE = `Usage: npm start -- [options]

  --backlog <number>   submit that many more alerts; Defender permits 100 calls a minute
  --faults             let the simulator spoil 5 % of its answers with each of several faults
  --once               end when every alert of the sample is final
  --stack-file <path>  write where everything is to this file instead of .local/stack.json
  --help               print this`;

/** What a person may ask of the demo. */
export interface StartOptions {
  /** Alerts beyond the sample. */
  backlog: number;
  faults: boolean;
  once: boolean;
  stackFile: string;
  help: boolean;
}

/** More would take days at 1,500 calls an hour. */
const LARGEST_BACKLOG = 100_000;

/** @throws Error that names what is wrong on the command line. */
export function parseStartOptions(commandLine: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...commandLine],
    options: {
      backlog: { type: 'string', default: '0' },
      faults: { type: 'boolean', default: false },
      once: { type: 'boolean', default: false },
      'stack-file': { type: 'string', default: DEFAULT_STACK_FILE },
      help: { type: 'boolean', default: false },
    },
  });
  const { backlog, 'stack-file': stackFile, ...flags } = values;
  if (!/^\d+$/.test(backlog) || Number(backlog) > LARGEST_BACKLOG) {
    throw new Error(`--backlog is "${backlog}". Give a whole number from 0 to ${LARGEST_BACKLOG}, e.g. 150.`);
  }
  return { ...flags, backlog: Number(backlog), stackFile };
}
