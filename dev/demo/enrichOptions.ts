import { parseArgs } from 'node:util';
import { parseDuration } from '#shared/config/setting.ts';
import { ALERT_ID_RULE, isAlertId } from '#shared/intake/submission.ts';
import { DEFAULT_STACK_FILE } from './stackFile.ts';

export const ENRICH_USAGE = `Usage: npm run enrich -- [options] <alertId>...

Submits the alerts to the app that "npm start" runs, or else to the storage that local.settings.json names,
waits, and prints each enrichment as JSON.

  --timeout <duration>  how long to wait, such as 30s or 15m; 2m when left out
  --stack-file <path>   where "npm start" wrote where everything is
  --help                print this

Ends with 0 when every alert was enriched, else with 1.`;

/** What a person wants enriched. */
export interface EnrichOptions {
  alertIds: string[];
  timeoutMs: number;
  stackFile: string;
  help: boolean;
}

/** @throws Error that names what is wrong on the command line. */
export function parseEnrichOptions(commandLine: readonly string[]): EnrichOptions {
  const { values, positionals } = parseArgs({
    args: [...commandLine],
    allowPositionals: true,
    options: {
      timeout: { type: 'string', default: '2m' },
      'stack-file': { type: 'string', default: DEFAULT_STACK_FILE },
      help: { type: 'boolean', default: false },
    },
  });
  const { timeout, 'stack-file': stackFile, help } = values;
  const timeoutMs = parseDuration(timeout);
  if (timeoutMs === undefined || timeoutMs === 0) {
    throw new Error(`--timeout is "${timeout}". Give a duration such as 30s, 2m or 1h.`);
  }
  if (positionals.length === 0 && !help) {
    throw new Error(`No alert ID was given.\n\n${ENRICH_USAGE}`);
  }
  for (const text of positionals) {
    if (!isAlertId(text)) {
      throw new Error(`${JSON.stringify(text)} is no alert ID: ${ALERT_ID_RULE}.`);
    }
  }
  return { alertIds: positionals, timeoutMs, stackFile, help };
}
