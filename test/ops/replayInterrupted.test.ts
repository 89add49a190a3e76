import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type StorageProxy, startStorageProxy } from '../support/storageProxy.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { runOps, startOps } from './commandLine.ts';
import { bury, failedLetter, submissionIn, takeAll } from './poison.ts';

const LETTERS = 480;
const KILLS = 20;
/** Less than a batch takes: a kill falls before, among or after its additions, and letters are left to the end. */
const MOST_REQUESTS = 60;

let stack: Stack;
let proxy: StorageProxy;

beforeAll(async () => {
  stack = await startStack();
  proxy = await startStorageProxy(stack.azurite.connectionString, 'Queue');
  // Fills the compile cache, which a killed run does not.
  await runOps({}, '--help');
});
afterAll(async () => {
  await proxy.stop();
  await stack.stop();
});

test(`a replay killed at random ${KILLS} times and then finished loses no dead letter`, async () => {
  const alerts = stack.queues.getQueueClient('alerts');
  const poison = stack.queues.getQueueClient('alerts-poison');
  await Promise.all([alerts.create(), poison.create()]);
  const settings = {
    ...stack.settings,
    AlertsStorage: proxy.connectionString,
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
  };
  const alertIdOf = new Map<string, string>();
  await Promise.all(
    Array.from({ length: LETTERS }, async (_, index) => {
      alertIdOf.set(await bury(poison, failedLetter(`alert-${index}`)), `alert-${index}`);
    }),
  );

  const killedAfter: number[] = [];
  while (killedAfter.length < KILLS) {
    const run = startOps(settings, ['dead-letters', 'replay', '--all']);
    let requestsLeft = 1 + Math.floor(Math.random() * MOST_REQUESTS);
    const killAfter = requestsLeft;
    proxy.refuse(() => {
      requestsLeft -= 1;
      // The request itself may still arrive: so the client dies with and without its answer.
      if (requestsLeft === 0) {
        run.process.kill('SIGKILL');
      }
      return false;
    });
    const { exitCode } = await run.ended;
    if (exitCode === null) {
      killedAfter.push(killAfter);
    }
  }
  proxy.pass();
  const replayed = new Map<string, number>();
  const collect = async () => {
    for (const message of await takeAll(alerts)) {
      const { submissionId, alertId, correlationId } = submissionIn(message);
      expect([alertId, correlationId]).toEqual([
        alertIdOf.get(submissionId),
        `ticket-${alertIdOf.get(submissionId)}`,
      ]);
      replayed.set(submissionId, (replayed.get(submissionId) ?? 0) + 1);
    }
  };
  await waitUntil('the rest to be replayed', async () => {
    return (await runOps(settings, 'dead-letters', 'replay', '--all')).exitCode === 0;
  });
  await collect();

  expect((await poison.getProperties()).approximateMessagesCount, `killed after ${killedAfter}`).toBe(0);
  expect([...replayed.keys()].sort(), `killed after ${killedAfter}`).toEqual([...alertIdOf.keys()].sort());
});
