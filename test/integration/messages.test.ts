import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { waitUntil } from '../support/waitUntil.ts';

let stack: Stack;
let pipeline: Pipeline;

beforeAll(async () => {
  stack = await startStack({ simulator: { limits: [{ calls: 10_000, windowMs: 1_000 }] } });
  pipeline = await startPipeline(stack);
});
afterAll(() => stack.stop());

function newAlert(): string {
  return newAlerts(1)[0] as string;
}

function newAlerts(count: number): string[] {
  return stack.simulator.control.addNewAlerts(count).map((alert) => alert.id);
}

function callsFor(alertId: string): number {
  return stack.simulator.control.report().alerts[alertId] ?? 0;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

function sample(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../fixtures/messages/${name}.json`, import.meta.url), 'utf8'));
}

describe('an enrichment', () => {
  test('says of the alert what its submitter gave and what the source answered', async () => {
    const [alertId = ''] = newAlerts(1);
    const { alerts } = stack.simulator.control;
    const machine = alerts.machineOf(alerts.byId(alertId) ?? expect.fail('the alert is not there'));
    await pipeline.submit({ alertId, correlationId: 'INC-2041', metadata: { playbook: 'Enrich-Device' } });
    const { enrichment } = await pipeline.enrichmentOf(alertId);
    expect(enrichment).toMatchObject({
      schemaVersion: '1.0',
      outcome: 'enriched',
      alertId,
      correlationId: 'INC-2041',
      metadata: { playbook: 'Enrich-Device' },
      device: { id: machine?.id, raw: machine },
      source: { name: 'defender' },
      reused: false,
      attempts: 1,
    });
    const times = [enrichment.receivedAt, enrichment.source.retrievedAt, enrichment.enrichedAt];
    expect(times).toEqual([...times].sort());
  });

  test('is base64 of JSON and does not expire', async () => {
    const alertId = newAlert();
    await pipeline.submit(alertId);
    const { text, expiresOn } = await pipeline.enrichmentOf(alertId);
    expect(Buffer.from(text, 'base64').toString('base64')).toBe(text);
    expect(JSON.parse(Buffer.from(text, 'base64').toString('utf8'))).toMatchObject({ alertId });
    expect(expiresOn.getUTCFullYear()).toBe(9999);
  });

  test('is in the table when its message can be seen, and both agree', async () => {
    const alertId = newAlert();
    await pipeline.submit(alertId);
    const { enrichment, rowThen } = await pipeline.enrichmentOf(alertId);
    const { raw, ...device } = enrichment.device ?? expect.fail('there is no device');
    expect(rowThen).toMatchObject({ device, machine: raw });
    expect(rowThen?.columns).toMatchObject({
      partitionKey: alertId,
      rowKey: 'device',
      outcome: 'enriched',
      submissionId: enrichment.submissionId,
      deviceId: device.id,
      enrichedAt: new Date(enrichment.enrichedAt),
    });
  });

  test('is stored before it is sent, and sent without another call when the queue is back', async () => {
    const alone = await startPipeline(stack);
    await alone.submit(newAlert());
    await alone.idle();
    await alone.enrichmentsQueue.delete();
    const alertId = newAlert();
    await alone.submit(alertId);
    await waitUntil('the row has its outcome', async () => {
      return (await alone.row(alertId))?.columns.outcome === 'enriched';
    });
    await alone.enrichmentsQueue.create();
    const { enrichment } = await alone.enrichmentOf(alertId);
    expect(enrichment).toMatchObject({ outcome: 'enriched', reused: false, attempts: 1 });
    expect(callsFor(alertId)).toBe(1);
  });
});

describe('an alert that was enriched a moment ago', () => {
  test('is answered from its row without a call', async () => {
    const alertId = newAlert();
    await pipeline.submit(alertId);
    const first = await pipeline.enrichmentOf(alertId);
    await pipeline.submit({ alertId, correlationId: 'again' });
    const [, second] = await pipeline.enrichmentsOf(alertId, 2);
    expect(second?.enrichment).toMatchObject({
      outcome: 'enriched',
      correlationId: 'again',
      device: first.enrichment.device,
      source: first.enrichment.source,
      reused: true,
      attempts: 0,
    });
    expect(second?.enrichment.submissionId).not.toBe(first.enrichment.submissionId);
    expect(callsFor(alertId)).toBe(1);
  });

  test('is looked up again when a refresh is asked for', async () => {
    const alertId = newAlert();
    await pipeline.submit(alertId);
    const first = await pipeline.enrichmentOf(alertId);
    await pipeline.submit({ alertId, refresh: true });
    const [, second] = await pipeline.enrichmentsOf(alertId, 2);
    expect(second?.enrichment).toMatchObject({ outcome: 'enriched', reused: false, attempts: 1 });
    expect(String(second?.enrichment.source.retrievedAt) > String(first.enrichment.source.retrievedAt)).toBe(
      true,
    );
    expect(callsFor(alertId)).toBe(2);
  });

  test('is looked up again once REUSE_FOR is over', async () => {
    const forgetful = await startPipeline(stack, { REUSE_FOR: '1s' });
    const alertId = newAlert();
    await forgetful.submit(alertId);
    const { enrichment } = await forgetful.enrichmentOf(alertId);
    const retrievedAt = Date.parse(enrichment.source.retrievedAt ?? '');
    await waitUntil('REUSE_FOR is over', () => Date.now() > retrievedAt + 1_000);
    await forgetful.submit(alertId);
    const [, second] = await forgetful.enrichmentsOf(alertId, 2);
    expect(second?.enrichment).toMatchObject({ reused: false, attempts: 1 });
    expect(callsFor(alertId)).toBe(2);
  });

  test('is looked up for every submission when REUSE_FOR is 0', async () => {
    const forgetful = await startPipeline(stack, { REUSE_FOR: '0s' });
    const alertId = newAlert();
    await forgetful.submit(alertId, alertId, alertId);
    const all = await forgetful.enrichmentsOf(alertId, 3);
    expect(all.map(({ enrichment }) => enrichment.reused)).toEqual([false, false, false]);
    expect(callsFor(alertId)).toBe(3);
  });
});

test('30 submissions of one alert at once make one call, one row and 30 messages', async () => {
  const alertId = newAlert();
  await pipeline.submit(...Array<string>(30).fill(alertId));
  await pipeline.enrichmentsOf(alertId, 30);
  await pipeline.idle();
  const all = await pipeline.enrichmentsOf(alertId, 30);
  expect(new Set(all.map(({ enrichment }) => enrichment.submissionId)).size).toBe(30);
  expect(all).toHaveLength(30);
  expect(all.filter(({ enrichment }) => !enrichment.reused)).toHaveLength(1);
  expect(callsFor(alertId)).toBe(1);
  expect((await pipeline.rows()).filter((row) => row.partitionKey === alertId)).toHaveLength(1);
});

describe('the input forms', () => {
  const forms: [form: string, (alertId: string) => unknown][] = [
    ['a bare ID', (alertId) => alertId],
    ['a bare ID in base64', base64],
    ['a JSON string', (alertId) => JSON.stringify(alertId)],
    ['an object', (alertId) => ({ alertId })],
    ['an object in base64', (alertId) => base64(JSON.stringify({ alertId }))],
    ['an MDE alert', (alertId) => ({ ...sample('defenderAlert'), id: alertId })],
    ['a Graph alert', (alertId) => ({ ...sample('graphAlert'), id: alertId })],
    ['a row of the SecurityAlert table', (id) => ({ ...sample('sentinelRow'), VendorOriginalId: id })],
    ['a CloudEvent', (alertId) => ({ ...sample('cloudEvent'), data: { alertId } })],
    ['an Event Grid event', (alertId) => ({ ...sample('eventGridEvent'), data: alertId })],
    ['an unknown prefix', (alertId) => alertId],
  ];

  test.each(forms)('%s is enriched', async (form, write) => {
    const alertId = form === 'an unknown prefix' ? `zz${newAlert()}` : newAlert();
    stack.simulator.control.addAlerts([{ id: alertId }]);
    await pipeline.submit(write(alertId));
    expect((await pipeline.enrichmentOf(alertId)).enrichment).toMatchObject({ outcome: 'enriched', alertId });
  });

  test('a list becomes as many submissions, named after the message', async () => {
    const alertIds = newAlerts(5);
    await pipeline.submit({ alertIds, correlationId: 'INC-7' });
    const all = await Promise.all(alertIds.map((alertId) => pipeline.enrichmentOf(alertId)));
    const [first = ''] = all.map(({ enrichment }) => enrichment.submissionId.split('.')[0]);
    expect(all.map(({ enrichment }) => enrichment)).toMatchObject(
      alertIds.map((alertId, index) => ({
        alertId,
        submissionId: `${first}.${index}`,
        correlationId: 'INC-7',
        outcome: 'enriched',
      })),
    );
  });

  test('a bad ID in a list fails alone', async () => {
    const [good = '', other = ''] = newAlerts(2);
    await pipeline.submit([good, '../../../api/machines', { alertId: other }]);
    await pipeline.enrichmentOf(good);
    await pipeline.enrichmentOf(other);
    expect(await pipeline.deadLetterOf('../../../api/machines')).toMatchObject({ reason: 'bad-alert-id' });
  });

  test('two MDE alerts, whose "id" hides that of their message, are two submissions', async () => {
    const [first = '', second = ''] = newAlerts(2);
    const alert = { ...sample('defenderAlert'), dequeueCount: 99, insertionTime: 'never', popReceipt: 'x' };
    await pipeline.submit({ ...alert, id: first }, { ...alert, id: second });
    const all = await Promise.all([pipeline.enrichmentOf(first), pipeline.enrichmentOf(second)]);
    const submissionIds = all.map(({ enrichment }) => enrichment.submissionId);
    expect(new Set([...submissionIds, first, second]).size).toBe(4);
    expect(submissionIds).toEqual([expect.stringMatching(/^[\da-f-]{36}$/), expect.any(String)]);
    await pipeline.idle();
    expect(await pipeline.enrichmentsOf(first)).toHaveLength(1);
  });
});

describe('a message that is no alert', () => {
  const overlong = `{"alertId":"${'a'.repeat(129)}"}`;
  const hostile: [what: string, text: string, reason: string][] = [
    ['a path trick', '../../../api/machines', 'bad-alert-id'],
    ['an encoded path trick', 'da637%2f..%2fmachines', 'bad-alert-id'],
    ['a query', 'da637_1?$expand=x', 'bad-alert-id'],
    ['a header trick', base64('da637_1\r\nHost: example.com'), 'bad-alert-id'],
    ['an ID that is too long', overlong, 'bad-alert-id'],
    ['an ID of the wrong type', '{"alertId":{"toString":"x"}}', 'bad-alert-id'],
    ['a prototype trick', '{"__proto__":{"alertId":"da637_1"}}', 'not-an-alert'],
    ['64 KiB of brackets', '['.repeat(65_536), 'bad-json'],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0xfa, 0x00]).toString('base64'), 'bad-encoding'],
    ['base64 of rubbish', base64('}{ rubbish'), 'bad-alert-id'],
    ['JSON cut off', '{"alertId": "da637_', 'bad-json'],
    ['a number', '42', 'not-an-alert'],
    ['nothing in a list', '{"alertIds":[]}', 'empty'],
    ['an object of another kind', '{"hello":"world"}', 'not-an-alert'],
    ['metadata of the wrong type', '{"alertId":"da637_1","metadata":"x"}', 'bad-field'],
    ['nesting of 1,000 levels', `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`, 'not-an-alert'],
    ['a damaged envelope', '{"kind":"submission","version":1,"submission":{}}', 'bad-envelope'],
  ];

  test.each(hostile)(
    '%s is a dead letter with a reason, and no call is made',
    async (_what, text, reason) => {
      const callsBefore = stack.simulator.control.calls().length;
      await pipeline.submit(text);
      const letter = await waitUntil('the dead letter', async () =>
        (await pipeline.deadLetters()).find(({ original }) => text.startsWith(original.slice(0, 1_000))),
      );
      expect(letter).toMatchObject({ reason, attempts: 0, firstSeen: letter.deadAt });
      expect(letter.originalTruncated === true || letter.original === text).toBe(true);
      expect(letter.detail.length).toBeGreaterThan(10);
      expect(letter.submission).toBeUndefined();
      expect(stack.simulator.control.calls()).toHaveLength(callsBefore);
    },
  );

  test('fails no function: none of these is an exception', async () => {
    expect(pipeline.hosts[0]?.output.filter((line) => line.includes('Failed'))).toEqual([]);
    expect(await pipeline.poisoned()).toEqual([]);
  });

  // The library overflows its stack over such a message before it calls any function.
  test('is left to the host when the Functions library itself cannot take it: kept raw, and no call', async () => {
    const callsBefore = stack.simulator.control.calls().length;
    const text = `${'['.repeat(32_000)}${']'.repeat(32_000)}`;
    await pipeline.submit(text);
    await waitUntil('the host moves it', async () => (await pipeline.poisoned()).includes(text));
    expect(stack.simulator.control.calls()).toHaveLength(callsBefore);
  });
});

test('no token and no key is in any log, row or message', async () => {
  const text = await pipeline.everything();
  expect(secretsOf(stack).filter((secret) => text.includes(secret))).toEqual([]);
});
