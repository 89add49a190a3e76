import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { QueueClient } from '@azure/storage-queue';
import { parseDuration } from '#shared/config/setting.ts';
import { enrichmentOf, type MessageOptions } from '#shared/enrichment/answer.ts';
import type { Enrichment } from '#shared/enrichment/enrichment.ts';
import { ALERT_ID_RULE, isAlertId, type Submission } from '#shared/intake/submission.ts';
import type { AlertRecords } from '#shared/pipeline/alertRecords.ts';
import { toMessageText } from '#shared/storage/queueOutbox.ts';
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

const LOOK_EVERY_MS = 250;
/** No expiry. */
const KEEP = -1;

/**
 * Submits an alert.
 * @throws RestError when the queue is not there or storage cannot be used.
 */
export async function submitAlert(alerts: QueueClient, alertId: string): Promise<Submission> {
  const text = toMessageText(JSON.stringify({ alertId }));
  const { messageId, insertedOn } = await alerts.sendMessage(text, { messageTimeToLive: KEEP });
  // Intake makes the same of it: no field of this payload hides the message's ID.
  const fresh = { attempts: 0, notFoundAnswers: 0, deferrals: 0 };
  return { alertId, submissionId: messageId, firstSeen: insertedOn.toISOString(), ...fresh };
}

/**
 * Waits for the enrichment, by the alert's row: messages in the output queue are left to those who wait for them.
 * @returns Undefined when the time (milliseconds since 1970) has come before.
 */
export async function awaitEnrichment(
  submission: Submission,
  records: AlertRecords,
  message: MessageOptions,
  deadline: number,
): Promise<Enrichment | undefined> {
  for (;;) {
    const state = (await records.read(submission.alertId))?.state;
    if (state?.answer !== undefined && state.published.includes(submission.submissionId)) {
      return enrichmentOf(submission, state.answer, message);
    }
    if (Date.now() >= deadline) {
      return undefined;
    }
    await delay(LOOK_EVERY_MS);
  }
}
