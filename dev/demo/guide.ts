import { relative } from 'node:path';
import { styleText } from 'node:util';
import type { Settings } from '#shared/config/settings.ts';
import type { RunningStack } from './stackFile.ts';

/** What a person can do with a demo that serves, and where things are. */
export function guide(options: {
  stack: RunningStack;
  stackFile: string;
  names: Pick<Settings, 'queues' | 'tables'>;
  /** Alerts that Defender knows and nobody has asked for. */
  spareAlertIds: readonly string[];
}): string[] {
  const { stack, stackFile, names, spareAlertIds } = options;
  const { queues, tables } = names;
  const row = (name: string, text: string) => `  ${name.padEnd(11)}${text}`;
  return [
    styleText('bold', 'Try it, in another terminal'),
    `  npm run enrich -- ${spareAlertIds[0] ?? ''}`,
    '  Defender knows these too:',
    ...spareAlertIds.slice(1).map((alertId) => `    ${alertId}`),
    '  Or by HTTP, with the summary for people as the answer:',
    `    curl -H 'Accept: text/markdown' -d ${spareAlertIds[0] ?? ''} -H 'Content-Type: text/plain' '${stack.hostUrl}/api/enrichments?wait=30'`,
    '',
    styleText('bold', 'Where things are, until Ctrl-C ends it all'),
    row('storage', `connection string: AlertsStorage in ${relative('.', stackFile)}`),
    row('queues', `${queues.alerts} (in), ${queues.enrichments} (out), ${queues.poison} (dead letters)`),
    row('tables', `${tables.enrichments}, ${tables.state}`),
    row('http', `${stack.hostUrl}/api: enrichments, enrichments/{alertId}, quota, health, live`),
    row('simulator', `${stack.simulatorUrl}, and what it served: ${stack.simulatorUrl}/_control/report`),
  ];
}
