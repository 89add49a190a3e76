/** Command line of `npm run intake`: says what would come of a message, without sending or calling anything. */
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import { readMessage } from '#shared/intake/readMessage.ts';
import type { Rejection } from '#shared/intake/rejection.ts';
import type { Submission } from '#shared/intake/submission.ts';
import { columns, printable } from '#shared/text.ts';

/** Stands for the ID that the queue gives a message. */
const NEW_MESSAGE = '00000000-0000-4000-8000-000000000000';

const program = new Command('npm run --silent intake --')
  .description(
    'Reads a message as the alerts queue would, and prints the alerts in it and what was rejected. Makes no call and ' +
      'needs no settings. Ends with 1 when there is no alert in it.',
  )
  .argument('<file>', 'the message: text, JSON or base64; - for standard input')
  .option('--json', 'print JSON, for programs')
  .action(async (file: string, { json }: { json?: true }) => {
    const { submissions, rejections } = readMessage(await bodyOf(file), { id: NEW_MESSAGE }, new Date());
    if (submissions.length === 0) {
      process.exitCode = 1;
    }
    console.log(json ? asJson(submissions, rejections) : asText(submissions, rejections));
  });

await program.parseAsync();

/** The message as the Functions library hands it over: parsed where it is JSON. */
async function bodyOf(file: string): Promise<unknown> {
  const text =
    file === '-'
      ? await readAll(process.stdin)
      : await readFile(file, 'utf8').catch((error: Error) =>
          program.error(`The file cannot be read: ${error.message}`),
        );
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function asJson(submissions: readonly Submission[], rejections: readonly Rejection[]): string {
  const alerts = submissions.map(({ alertId, machineId, tenantId, correlationId, metadata, refresh }) => ({
    alertId,
    machineId,
    tenantId,
    correlationId,
    metadata,
    refresh,
  }));
  const rejected = rejections.map(({ reason, detail, alertId }) => ({ reason, detail, alertId }));
  return JSON.stringify({ alerts, rejected }, null, 2);
}

function asText(submissions: readonly Submission[], rejections: readonly Rejection[]): string {
  const alerts = submissions.map(({ alertId, machineId = '', tenantId = '', correlationId = '' }) => [
    alertId,
    machineId,
    tenantId,
    correlationId,
  ]);
  return [
    ...(alerts.length === 0 ? [] : columns([['ALERT', 'MACHINE', 'TENANT', 'CORRELATION'], ...alerts])),
    ...rejections.flatMap(({ reason, detail }) => [`rejected: ${reason}`, `  ${printable(detail)}`]),
  ].join('\n');
}
