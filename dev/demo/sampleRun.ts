import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { QueueClient } from '@azure/storage-queue';
import { createApplication } from '#shared/application.ts';
import { readSettings } from '#shared/config/settings.ts';
import { counted } from '#shared/text.ts';
import type { SimulatorControl } from '../simulator/control.ts';
import type { Stack } from '../stack/stack.ts';
import type { HostLog } from './hostLog.ts';
import { report } from './report.ts';
import { collectResults, openParts, type Results } from './results.ts';
import { createBacklog, createCustomerSamples, createSamples, type Sample } from './samples.ts';
import type { Screen } from './screen.ts';

/** The first known alerts are in no sample: they are left for a person to try. */
export const SPARE_ALERTS = 4;
const ALERTS_OF_A_CUSTOMER = 4;
/** All alerts of an outbreak at one moment would be more than lists can page through. */
const OUTBREAK_MS = 600_000;
/** When nothing has come out. */
const LOOK_AGAIN_MS = 500;

/**
 * Submits the samples, shows how far they are until all are final, and reports what became of them.
 * @param backlog How many alerts come with them, as in an outbreak.
 * @param demo.stop Aborts when there is no point in going on.
 * @returns How many parts of the samples are not final.
 */
export async function runSamples(
  backlog: number,
  demo: { stack: Stack; screen: Screen; log: HostLog; stop: AbortSignal },
): Promise<number> {
  const { stack, screen, log, stop } = demo;
  const { control } = stack.simulator;
  const settings = readSettings(stack.settings);
  const { recentQuota } = createApplication(settings, false);
  const queue = (name: 'alerts' | 'enrichments' | 'poison') =>
    stack.queues.getQueueClient(settings.queues[name]);
  const queues = { enrichments: queue('enrichments'), poison: queue('poison') };
  const results: Results = { enrichments: new Map(), deadLetters: [] };

  const known = control.alertIds().slice(SPARE_ALERTS);
  const customers = control.tenants.slice(1);
  const late = customers.at(-1);
  const samples = [
    ...createSamples(known),
    ...createBacklog(raiseOutbreak(control, backlog)),
    ...customers.flatMap((customer) =>
      createCustomerSamples(customer, customer.alertIds(ALERTS_OF_A_CUSTOMER)),
    ),
  ];
  await submit(queue('alerts'), samples);

  const startedAt = Date.now();
  let open = await untilFinal(samples.filter(({ form }) => form !== late?.name));
  if (late !== undefined && open === 0) {
    screen.print([
      '',
      `${late.name} has not given its consent, so its ${counted(ALERTS_OF_A_CUSTOMER, 'alert')} wait, and those of nobody else.`,
      'Its administrator gives it now:',
      '',
    ]);
    late.setSignIn('granted');
    open = await untilFinal(samples);
  }
  const conclusion =
    open === 0
      ? styleText('green', 'Every alert is final.')
      : styleText('yellow', `${counted(open, 'alert')} not final.`);
  screen.print(['', ...report(results, samples), conclusion]);
  return open;

  async function untilFinal(watched: readonly Sample[]): Promise<number> {
    for (;;) {
      const taken = await collectResults(queues, results);
      const left = openParts(watched, results);
      screen.show({
        submitted: openParts(watched),
        open: left,
        results,
        waiting: [...log.waiting.values()],
        calls: control.calls().map(({ route }) => route),
        quota: await recentQuota().catch(() => undefined),
        elapsedMs: Date.now() - startedAt,
      });
      if (left === 0 || stop.aborted) {
        return left;
      }
      if (taken === 0) {
        await delay(LOOK_AGAIN_MS, undefined, { signal: stop }).catch(() => undefined);
      }
    }
  }
}

/** @returns The IDs of so many new alerts. */
function raiseOutbreak(control: SimulatorControl, count: number): string[] {
  const now = Date.now();
  const alerts = control.addNewAlerts(count).map(({ id }, index) => ({
    id,
    lastUpdateTime: new Date(now - (index / count) * OUTBREAK_MS).toISOString(),
  }));
  control.addAlerts(alerts);
  return alerts.map(({ id }) => id);
}

/** Messages are put into the queue this many at a time. */
const SEND_AT_ONCE = 16;

/** Puts the samples into the queue as they are, in their order as far as the queue keeps one. */
async function submit(queue: QueueClient, samples: readonly Sample[]): Promise<void> {
  for (let start = 0; start < samples.length; start += SEND_AT_ONCE) {
    await Promise.all(samples.slice(start, start + SEND_AT_ONCE).map(({ text }) => queue.sendMessage(text)));
  }
}
