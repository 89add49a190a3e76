import type { QueueClient } from '@azure/storage-queue';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { createApplication } from '#shared/application.ts';
import { readSettings } from '#shared/config/settings.ts';
import type { MessageEvent } from '#shared/pipeline/receiveMessage.ts';
import { receiveMessage } from '#shared/pipeline/receiveMessage.ts';
import { toMessageText } from '#shared/storage/queueOutbox.ts';
import { secretsOf } from '../support/secrets.ts';
import { type OpsRun, runOps } from './commandLine.ts';
import { bury, failedLetter, rejectionLetter, submissionIn, takeAll } from './poison.ts';

let stack: Stack;
let settings: Record<string, string>;
let alerts: QueueClient;
let poison: QueueClient;
const said: string[] = [];

beforeAll(async () => {
  stack = await startStack();
  settings = { ...stack.settings, AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
  process.env.IDENTITY_ENDPOINT = stack.simulator.identityEndpoint;
  process.env.IDENTITY_HEADER = stack.simulator.identityHeader;
  alerts = stack.queues.getQueueClient('alerts');
  poison = stack.queues.getQueueClient('alerts-poison');
  await Promise.all([alerts.create(), poison.create()]);
});
beforeEach(async () => {
  await Promise.all([alerts.clearMessages(), poison.clearMessages()]);
});
afterAll(async () => {
  const everything = said.join('\n');
  for (const secret of secretsOf(stack)) {
    expect(everything).not.toContain(secret);
  }
  await stack.stop();
});

async function deadLetters(...commandLine: string[]): Promise<OpsRun> {
  const run = await runOps(settings, 'dead-letters', ...commandLine);
  said.push(run.output, run.errors);
  return run;
}

async function countOf(queue: QueueClient): Promise<number> {
  return (await queue.getProperties()).approximateMessagesCount ?? 0;
}

describe('dead-letters', () => {
  test('lists IDs, reasons, ages, alerts and counts, and hides nothing from others', async () => {
    const ids = [
      await bury(poison, failedLetter('alert-1')),
      await bury(poison, failedLetter('alert-2')),
      await bury(poison, rejectionLetter('{"')),
      (await poison.sendMessage('alert-4')).messageId,
    ];
    const { output, exitCode } = await deadLetters();
    expect(exitCode).toBe(0);
    for (const id of ids) {
      expect(output).toContain(id);
    }
    expect(output).toMatch(/source_unavailable +\S+ \w+ +alert-1 +Defender answered 503/);
    expect(output).toMatch(/^source_unavailable +2$/m);
    expect(output).toMatch(/^host-poison +1$/m);
    expect(output).toMatch(/^all +4$/m);
    expect((await poison.peekMessages({ numberOfMessages: 32 })).peekedMessageItems).toHaveLength(4);
  });

  test('lists more than the service shows at once, and all are there for others at once', async () => {
    const letters = Array.from({ length: 75 }, (_, index) => failedLetter(`alert-${index}`));
    await Promise.all(letters.map((letter) => bury(poison, letter)));
    const list = JSON.parse((await deadLetters('list', '--json')).output);
    expect(list).toMatchObject({ total: 75, hidden: 0, reasons: { source_unavailable: 75 } });
    expect(list.deadLetters.flatMap(({ alertIds }: { alertIds: string[] }) => alertIds).sort()).toEqual(
      letters.map(({ original }) => original).sort(),
    );
    const kept = (await takeAll(poison)).map(({ messageText }) => messageText);
    expect(kept.sort()).toEqual(letters.map((letter) => toMessageText(JSON.stringify(letter))).sort());
  });

  test('says that there are none, and which are held by somebody else', async () => {
    expect((await deadLetters()).output).toContain('There are no dead letters.');
    await bury(poison, failedLetter('alert-1'));
    await poison.receiveMessages({ visibilityTimeout: 60 });
    expect((await deadLetters()).output).toMatch(/About 1 more message not shown/);
  });

  test('shows one, and no text of it can play with the terminal', async () => {
    const id = await bury(poison, rejectionLetter('\u001b[2Jline\nline'));
    const { output } = await deadLetters('show', id);
    expect(output).toMatch(/^Reason +bad-json$/m);
    expect(output).toContain('line·line');
    expect(output).not.toContain('\u001b');
    expect((await deadLetters('show', 'nobody')).errors).toMatch(/There is no dead letter "nobody"/);
  });

  test('speaks to a person when the queue does not exist', async () => {
    const run = await runOps({ ...settings, ALERTS_QUEUE: 'nowhere' }, 'dead-letters');
    expect(run.exitCode).toBe(1);
    expect(run.errors).toMatch(/answered 404 QueueNotFound.*npm run ops -- check/);
  });
});

describe('dead-letters replay', () => {
  test('makes a new submission, known by the ID of the dead letter', async () => {
    const id = await bury(poison, failedLetter('alert-1'));
    const before = Date.now();
    const { output, exitCode } = await deadLetters('replay', '--all');
    expect(exitCode).toBe(0);
    expect(output).toMatch(/^1 dead letter replayed\.$/m);
    expect(await countOf(poison)).toBe(0);
    const [message, ...others] = await takeAll(alerts);
    if (message === undefined) {
      throw new Error('nothing was replayed');
    }
    expect(others).toEqual([]);
    expect(message.expiresOn.getFullYear()).toBeGreaterThan(2100);
    const { firstSeen, ...submission } = submissionIn(message);
    expect(submission).toEqual({
      alertId: 'alert-1',
      submissionId: id,
      correlationId: 'ticket-alert-1',
      metadata: { note: 'ä💻' },
      attempts: 0,
      notFoundAnswers: 0,
      deferrals: 0,
    });
    expect(new Date(firstSeen).getTime()).toBeGreaterThanOrEqual(before);
  });

  test('makes one enrichment of a dead letter that was replayed twice', async () => {
    const [alertId = ''] = stack.simulator.control.alertIds(1);
    await stack.queues.createQueue('enrichments');
    const { receiver, provisionStorage } = createApplication(readSettings(settings), true);
    await provisionStorage();
    await bury(poison, failedLetter(alertId));
    await deadLetters('replay', '--all');
    const [message] = await takeAll(alerts);
    const events: MessageEvent[] = [];
    for (const text of [message?.messageText, message?.messageText]) {
      const log = (event: MessageEvent) => events.push(event);
      await receiveMessage({ body: text, delivery: {} }, receiver, log, AbortSignal.timeout(20_000));
    }
    expect(events).toMatchObject([{ result: 'enriched' }, { result: 'repeated' }]);
    expect(await countOf(stack.queues.getQueueClient('enrichments'))).toBe(1);
  });

  test("puts the host's own copies back as they were", async () => {
    const texts = ['alert-1', toMessageText('alert-2'), '{"alertId": "alert-3"}', '["alert-4", {"x": 1}]'];
    for (const text of texts) {
      await poison.sendMessage(text);
    }
    expect((await deadLetters('replay', '--all')).exitCode).toBe(0);
    const replayed = await takeAll(alerts);
    expect(replayed.map(({ messageText }) => messageText).sort()).toEqual([...texts].sort());
    expect(await countOf(poison)).toBe(0);
  });

  test('takes what was no alert only when asked for it, and what is unreadable never', async () => {
    await bury(poison, failedLetter('alert-1'));
    const rejected = await bury(poison, rejectionLetter('no alert'));
    const unreadable = (await poison.sendMessage('{"')).messageId;
    const all = await deadLetters('replay', '--all');
    expect(all.exitCode).toBe(1);
    expect(all.output).toContain('1 dead letter replayed.');
    expect(all.output).toMatch(
      new RegExp(`Left where it is: ${unreadable}: neither a dead letter nor an alert`),
    );
    expect(all.output).toMatch(/1 message passed by, being no alert/);
    expect(await countOf(poison)).toBe(2);
    await alerts.clearMessages();

    expect((await deadLetters('replay', '--id', rejected)).exitCode).toBe(0);
    expect((await takeAll(alerts)).map(({ messageText }) => messageText)).toEqual(['no alert']);
    // What was not meant is there for others at once.
    expect((await takeAll(poison)).map(({ messageId }) => messageId)).toEqual([unreadable]);
  });

  test.each([
    [
      ['--reason', 'source_rejected'],
      ['alert-2', 'alert-3'],
    ],
    [['--alert', 'alert-3'], ['alert-3']],
  ])('takes those of %j and leaves the others', async (options, expected) => {
    await bury(poison, failedLetter('alert-1'));
    for (const alertId of ['alert-2', 'alert-3']) {
      await bury(poison, failedLetter(alertId, { reason: 'source_rejected' }));
    }
    expect((await deadLetters('replay', ...options)).exitCode).toBe(0);
    expect((await takeAll(alerts)).map((message) => submissionIn(message).alertId).sort()).toEqual(expected);
    expect(await takeAll(poison)).toHaveLength(3 - expected.length);
  });

  test('says so when nothing matches, and when nothing was chosen', async () => {
    await bury(poison, failedLetter('alert-1'));
    expect((await deadLetters('replay', '--alert', 'alert-9')).exitCode).toBe(1);
    const unclear = await deadLetters('replay');
    expect(unclear.exitCode).toBe(1);
    expect(unclear.errors).toContain('exactly one of');
    expect((await deadLetters('replay', '--alert', '../x')).errors).toMatch(/an alert ID has 1 to 128/);
    expect(await countOf(alerts)).toBe(0);
  });

  test('changes nothing in a dry run', async () => {
    await bury(poison, failedLetter('alert-1'));
    await bury(poison, rejectionLetter('{"'));
    const before = await poison.peekMessages({ numberOfMessages: 32 });
    const { output, exitCode } = await deadLetters('replay', '--all', '--dry-run');
    expect(exitCode).toBe(0);
    expect(output).toMatch(/alert-1 +as a new submission/);
    expect(output).toMatch(/1 dead letter would be replayed; nothing was changed/);
    const after = await poison.peekMessages({ numberOfMessages: 32 });
    expect(after.peekedMessageItems).toEqual(before.peekedMessageItems);
    expect(await countOf(alerts)).toBe(0);
  });
});
