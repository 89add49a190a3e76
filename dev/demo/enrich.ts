/** Command line of `npm run enrich`: submits alerts to the running app, waits, and prints their enrichments as JSON. */
import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { createApplication } from '#shared/application.ts';
import { keepLocalTrafficFromProxies } from '#shared/config/proxy.ts';
import { formatDuration, parseDuration } from '#shared/config/setting.ts';
import { readSettings, type Settings } from '#shared/config/settings.ts';
import { readOrder } from '#shared/intake/order.ts';
import { ALERT_ID_RULE, isAlertId } from '#shared/intake/submission.ts';
import { errorText } from '#shared/storage/storageError.ts';
import { DEFAULT_STACK_FILE, readStackFile } from './stackFile.ts';

const program = new Command('npm run enrich --')
  .description(
    'Submits alerts to the app that "npm start" runs, waits, and prints each enrichment as JSON. Ends with 0 when ' +
      'every alert was enriched, else with 1.',
  )
  .argument('<alertId...>', 'IDs of alerts', alertIdArgument)
  .option('--timeout <duration>', 'how long to wait, such as 30s or 15m', durationArgument, 120_000)
  .option('--stack-file <path>', 'where "npm start" wrote where everything is', DEFAULT_STACK_FILE)
  .action(async (alertIds: string[], options: { timeout: number; stackFile: string }) => {
    const stack = readStackFile(options.stackFile);
    if (stack === undefined) {
      throw new Error('No demo runs to submit to. Start one with "npm start" in another terminal.');
    }
    await enrich(alertIds, options.timeout, readSettings(stack.settings));
  });

keepLocalTrafficFromProxies(process.env);
try {
  await program.parseAsync();
} catch (error) {
  console.error(errorText(error));
  process.exitCode = 1;
}

async function enrich(alertIds: string[], timeoutMs: number, settings: Settings): Promise<void> {
  const { submit, lookup, now } = createApplication(settings, false);
  const order = readOrder(alertIds, randomUUID(), now());
  const submissions = order?.submissions.map(({ submission }) => submission) ?? [];
  const { error } = await submit(submissions);
  if (error !== undefined) {
    throw new Error(
      `The alerts could not be put into the queue "${settings.queues.alerts}": ${errorText(error)}`,
    );
  }
  const timeIsUp = AbortSignal.timeout(timeoutMs);
  for (const submission of submissions) {
    const status = await lookup.follow(submission, timeIsUp);
    if (status.kind === 'final') {
      console.log(JSON.stringify(status.enrichment, null, 2));
    } else {
      console.error(
        `${submission.alertId} is not final after ${formatDuration(timeoutMs)}: the app may not be running, or the ` +
          'alert waits for another look. The app goes on without us: "npm run ops -- status" tells how it stands, and ' +
          '--timeout waits longer.',
      );
    }
    if (status.kind !== 'final' || status.enrichment.outcome !== 'enriched') {
      process.exitCode = 1;
    }
  }
}

function alertIdArgument(text: string, earlier: string[] = []): string[] {
  if (!isAlertId(text)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is no alert ID: ${ALERT_ID_RULE}.`);
  }
  return [...earlier, text];
}

function durationArgument(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds === 0) {
    throw new InvalidArgumentError('Give a duration such as 30s, 2m or 1h.');
  }
  return milliseconds;
}
