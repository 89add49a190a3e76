import { setTimeout as delay } from 'node:timers/promises';
import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostProcess } from '#dev/stack/hostProcess.ts';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { createWatermarkTable } from '#shared/storage/watermarkTable.ts';
import { type Pipeline, startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { LONGEST_WAIT_MS, waitUntil } from '../support/waitUntil.ts';

/** How many alerts appear in all; more with POLLED_ALERTS. */
const ALERTS = Number(process.env.POLLED_ALERTS ?? 160);
/** In so many waves; in each of them but the last a poller is killed. */
const WAVES = Math.max(4, Math.ceil(ALERTS / 250));
/** The emulator becomes slow when its queues are long: the next wave waits until no more messages are left. */
const MOST_WAITING = 500;
/** Long lists leave time between polls, so that the simulator does more than list. */
const POLL_SECONDS = Math.max(1, Math.round(ALERTS / 1_000));
/** At most this long after a poll of a wave has begun, in milliseconds. */
const LATEST_KILL_MS = 600;

let stack: Stack;
let pipeline: Pipeline;
let alertIds: string[];
const polls: Record<string, unknown>[] = [];

/** A host that only polls, as timers run apart from queue functions in Azure: when it dies, no look-up does. */
function startPoller(): Promise<HostProcess> {
  return pipeline.startHost({
    settings: {
      ALERT_POLL_SCHEDULE: `*/${POLL_SECONDS} * * * * *`,
      'AzureWebJobs.enrichAlert.Disabled': 'true',
    },
  });
}

function listCalls(): number {
  return Object.values(stack.simulator.control.report().routes.alerts ?? {}).reduce(
    (sum, one) => sum + one,
    0,
  );
}

function pollsOf(host: HostProcess): Record<string, unknown>[] {
  return host.output.flatMap((line) => {
    const [json] = /\{"event":"poll".*\}$/.exec(line) ?? [];
    return json === undefined ? [] : [JSON.parse(json)];
  });
}

beforeAll(
  async () => {
    const roles = ['Machine.Read.All', 'Alert.Read.All'];
    stack = await startStack({
      simulator: { alerts: 0, roles, limits: [{ calls: 10_000, windowMs: 1_000 }] },
    });
    // The alerts from before the first pass are no news.
    stack.simulator.control.addAlerts([{ id: 'old', lastUpdateTime: '2020-01-01T00:00:00Z' }]);
    pipeline = await startPipeline(stack);
    let poller = await startPoller();
    await waitUntil('the first pass', () => pollsOf(poller).length > 0);
    for (let wave = 1; wave <= WAVES; wave += 1) {
      await waitUntil('room in the queue', async () => (await pipeline.waiting()) < MOST_WAITING);
      const callsBefore = listCalls();
      stack.simulator.control.addNewAlerts(Math.ceil(ALERTS / WAVES));
      if (wave === WAVES) {
        break;
      }
      await waitUntil('a poll of the wave', () => listCalls() > callsBefore, { everyMs: 5 });
      await delay(Math.random() * LATEST_KILL_MS);
      await poller.kill();
      polls.push(...pollsOf(poller));
      poller = await startPoller();
    }
    alertIds = stack.simulator.control.alertIds().filter((id) => id !== 'old');
    const timeoutMs = LONGEST_WAIT_MS + 60 * ALERTS;
    const lookedUp = () => Object.keys(stack.simulator.control.report().alerts).length;
    await waitUntil('every alert is looked up', () => lookedUp() === alertIds.length, {
      timeoutMs,
      everyMs: 200,
    });
    await pipeline.idle(timeoutMs);
    await poller.stop();
    polls.push(...pollsOf(poller));
  },
  3 * LONGEST_WAIT_MS + 120 * ALERTS,
);
afterAll(() => stack.stop());

describe('when pollers are killed at random', () => {
  test('every alert that appears is enriched, with one call and one message', async () => {
    const delivered = (await pipeline.delivered()).map(({ enrichment }) => enrichment);
    expect(delivered.map(({ alertId }) => alertId).toSorted()).toEqual(alertIds.toSorted());
    expect(new Set(delivered.map(({ outcome }) => outcome))).toEqual(new Set(['enriched']));
    const { alerts } = stack.simulator.control.report();
    expect(alerts).toEqual(Object.fromEntries(alertIds.map((id) => [id, 1])));
  });

  test('its submission is known by an ID that follows from the alert', async () => {
    for (const { enrichment } of await pipeline.delivered()) {
      expect(enrichment.submissionId).toBe(`poll.${enrichment.alertId}`);
    }
  });

  test('each pass tells what it did, and accounts for every alert on its list', () => {
    expect(polls.length).toBeGreaterThanOrEqual(2);
    for (const poll of polls) {
      const { listed, submitted, known, filtered, invalid } = poll as Record<string, number>;
      expect(poll).toMatchObject({
        calls: expect.any(Number),
        since: expect.any(String),
        watermark: expect.any(String),
      });
      expect(poll).not.toHaveProperty('ended');
      expect([submitted, known, filtered, invalid].reduce<number>((sum, one) => sum + (one ?? 0), 0)).toBe(
        listed,
      );
    }
  });

  test('no token and no key is in any log, row or message', async () => {
    const text = await pipeline.everything();
    expect(secretsOf(stack).filter((secret) => text.includes(secret))).toEqual([]);
  });
});

test(
  'without its role a pass says so, look-ups go on, and it works once the role is granted',
  async () => {
    const { control } = stack.simulator;
    control.revokeRoles(['Alert.Read.All']);
    const poller = await startPoller();
    const refused = await waitUntil('a refusal', () =>
      pollsOf(poller).find(({ ended }) => ended === 'forbidden'),
    );
    expect(refused.detail).toContain('Alert.Read.All');
    const [alert] = control.addNewAlerts(1);
    const [other] = control.addNewAlerts(1);
    await pipeline.submit(other?.id);
    await pipeline.enrichmentOf(other?.id ?? '');
    control.grantRoles(['Alert.Read.All']);
    // The new process has to read the row of every alert on the list.
    await pipeline.enrichmentOf(alert?.id ?? '', 30_000 + 20 * ALERTS);
    await poller.stop();
  },
  60_000 + 20 * ALERTS,
);

describe('the watermark in its table', () => {
  const at = (time: Date) => ({ watermark: time, completedAt: time });
  const state = () =>
    TableClient.fromConnectionString(stack.azurite.connectionString, 'WatermarkTest', {
      allowInsecureConnection: true,
    });

  test('is written only by whoever read it last', async () => {
    await state().createTable();
    const store = createWatermarkTable(state());
    const [first, second] = [new Date('2026-11-23T12:00:00.123Z'), new Date('2026-11-23T13:00:00Z')];
    expect(await store.read()).toEqual({ watermark: undefined, etag: undefined });
    const etag = await store.write(at(first), undefined);
    expect(await store.write(at(second), undefined)).toBeUndefined();
    expect(await store.read()).toEqual({ watermark: first, completedAt: first, etag });
    expect(await store.write(at(second), etag)).toEqual(expect.any(String));
    expect(await store.write(at(first), etag)).toBeUndefined();
    expect((await store.read()).watermark).toEqual(second);
  });

  test('that is damaged is none, and can be written over', async () => {
    await state().upsertEntity(
      { partitionKey: 'alert-poll', rowKey: 'watermark', format: 1, watermark: 'soon' },
      'Replace',
    );
    const store = createWatermarkTable(state());
    const { watermark, damage, etag } = await store.read();
    expect([watermark, damage]).toEqual([undefined, expect.stringContaining('date')]);
    const time = new Date('2026-11-23T12:00:00Z');
    await store.write(at(time), etag);
    expect((await store.read()).watermark).toEqual(time);
  });
});
