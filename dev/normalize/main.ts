/** Command line of `npm run normalize`: prints what the pipeline would make of machines. */
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import { FORMATS } from '#shared/config/outputSettings.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { project } from '#shared/projections/projections.ts';
import { readMachines } from './machines.ts';

const program = new Command('npm run --silent normalize --')
  .description(
    'Prints the device and all its projections for each machine, one JSON value after the other. ' +
      'Ends with 1 when anything in the input is no machine; the rest is printed all the same.',
  )
  .argument('<file>', 'machine as JSON, JSON array of machines or NDJSON; - for standard input')
  .option('--ndjson', 'print each on one line')
  .action(async (file: string, { ndjson }: { ndjson?: true }) => {
    const at = new Date();
    for (const item of readMachines(await textOf(file))) {
      if (item.kind === 'invalid') {
        console.error(`${item.place}: ${item.detail}`);
        process.exitCode = 1;
        continue;
      }
      const device = normalizeMachine(item.machine, at);
      console.log(JSON.stringify({ device, ...project(device, FORMATS, at) }, null, ndjson ? 0 : 2));
    }
  });

await program.parseAsync();

async function textOf(file: string): Promise<string> {
  if (file === '-') {
    return readAll(process.stdin);
  }
  return readFile(file, 'utf8').catch((error: Error) =>
    program.error(`The file cannot be read: ${error.message}`),
  );
}
