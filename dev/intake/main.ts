/** Command line of `npm run intake`: says what would come of a message, without sending or calling anything. */
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import Table from 'cli-table3';
import { Command } from 'commander';
import { readMessage } from '#shared/intake/readMessage.ts';
import type { Rejection } from '#shared/intake/rejection.ts';
import type { Submission } from '#shared/intake/submission.ts';

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
    console.log(json ? asJson(submissions, rejections) : asTables(submissions, rejections));
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

function asTables(submissions: readonly Submission[], rejections: readonly Rejection[]): string {
  const style = { head: [], border: [] };
  const parts: string[] = [];
  if (submissions.length > 0) {
    const table = new Table({ head: ['Alert', 'Machine', 'Tenant', 'Correlation'], style });
    for (const { alertId, machineId = '', tenantId = '', correlationId = '' } of submissions) {
      table.push([alertId, machineId, tenantId, correlationId]);
    }
    parts.push(table.toString());
  }
  if (rejections.length > 0) {
    const table = new Table({
      head: ['Rejected', 'What it is, and what to send'],
      colWidths: [16, 84],
      wordWrap: true,
      style,
    });
    for (const { reason, detail } of rejections) {
      table.push([reason, detail]);
    }
    parts.push(table.toString());
  }
  return parts.join('\n');
}
