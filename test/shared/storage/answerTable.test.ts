import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { createAnswerTable } from '#shared/storage/answerTable.ts';

let azurite: Azurite;
let table: TableClient;
beforeAll(async () => {
  azurite = await startAzurite();
  const options = { allowInsecureConnection: true };
  table = TableClient.fromConnectionString(azurite.connectionString, 'EnrichmentState', options);
  await table.createTable();
});
afterAll(() => azurite.stop());

const at = new Date('2026-11-27T08:00:00.123Z');
const later = new Date('2026-11-27T09:00:00.123Z');

test('nothing is known of an API that nobody has called', async () => {
  expect(await createAnswerTable(table, 'api:new').read()).toEqual({
    answeredAt: undefined,
    asked: undefined,
    etag: undefined,
  });
});

test('of several that want to ask one may, the first time and later', async () => {
  const answers = createAnswerTable(table, 'api:contended');
  for (const time of [at, later]) {
    const known = await answers.read();
    const claims = await Promise.all([1, 2, 3, 4].map(() => answers.claim(known, time)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect((await answers.read()).asked).toEqual({ at: time, problem: undefined });
  }
});

test('what came of asking stays until the next asking, and beside it when the API answered', async () => {
  const answers = createAnswerTable(table, 'api:asked');
  await answers.claim(await answers.read(), at);
  await answers.noteProblem({ kind: 'silent', detail: 'no connection' });
  await answers.noteAnswer(later);
  expect(await answers.read()).toMatchObject({
    answeredAt: later,
    asked: { at, problem: { kind: 'silent', detail: 'no connection' } },
  });
  await answers.claim(await answers.read(), later);
  expect((await answers.read()).asked).toEqual({ at: later, problem: undefined });
});

test('who read before an answer was noted may not ask', async () => {
  const answers = createAnswerTable(table, 'api:answered');
  await answers.claim(await answers.read(), at);
  const known = await answers.read();
  await answers.noteAnswer(later);
  expect(await answers.claim(known, later)).toBe(false);
});

test('a row that somebody has spoilt counts as none, and can be written again', async () => {
  const answers = createAnswerTable(table, 'api:spoilt');
  await table.createEntity({ partitionKey: 'api:spoilt', rowKey: 'answers', format: 7, askedAt: 'soon' });
  const known = await answers.read();
  expect(known).toMatchObject({ answeredAt: undefined, asked: undefined });
  expect(await answers.claim(known, at)).toBe(true);
  expect((await answers.read()).asked?.at).toEqual(at);
});
