import type { Timer, TimerHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import { hasRunBetween } from '../../shared/config/ncrontab.ts';
import { POLL_DEADLINE_MS, TENANT_POLL_DEADLINE_MS } from '../../shared/config/timingSettings.ts';
import type { PollEvent } from '../../shared/polling/poller.ts';
import { pollTenants } from '../../shared/polling/pollTenants.ts';
import { errorText } from '../../shared/storage/storageError.ts';
import { eventLog, type Log } from '../../shared/telemetry/log.ts';
import { span } from '../../shared/telemetry/telemetry.ts';

/** Looks for new alerts, as often as the timer says. */
export function createPollAlerts(
  application: Pick<Application, 'poller' | 'provisionStorage'>,
): TimerHandler {
  return async (_timer, context) => {
    const log = eventLog<PollEvent>(context);
    await application.provisionStorage();
    const report = await span('poll', {}, () =>
      application.poller.poll(AbortSignal.timeout(POLL_DEADLINE_MS)),
    );
    log({ event: 'poll', ...report });
  };
}

type PolledScope = Pick<Application, 'poller' | 'tenant'> & {
  settings: { polling: { schedule: string | undefined } };
};

/** Polls several tenants. The timer fires each minute, and polls those whose own schedule has a run since the last one. */
export function createPollTenants(
  application: PolledScope &
    Pick<Application, 'provisionStorage' | 'now'> & {
      tenants: { customers(): Promise<{ scopes: PolledScope[] }> };
    },
): TimerHandler {
  return async (timer, context) => {
    const log = eventLog<PollEvent>(context);
    await application.provisionStorage();
    const scopes = [application, ...(await customersOf(application, log))];
    const until = application.now();
    const after = lastRun(timer) ?? new Date(until.getTime() - 60_000);
    const due = scopes.filter(({ settings: { polling } }) =>
      polling.schedule === undefined ? false : hasRunBetween(polling.schedule, after, until),
    );
    const tenants = due.map(({ tenant, poller }) => ({ tenantId: tenant?.id, poller }));
    await pollTenants(tenants, TENANT_POLL_DEADLINE_MS, log, errorText);
  };
}

/** While the tenants cannot be read, the home tenant is polled all the same. */
async function customersOf(
  { tenants }: Parameters<typeof createPollTenants>[0],
  log: Log<PollEvent>,
): Promise<PolledScope[]> {
  try {
    return (await tenants.customers()).scopes;
  } catch (error) {
    log({ event: 'poll_failed', detail: `The tenants cannot be read: ${errorText(error)}` });
    return [];
  }
}

/** When the timer ran last, where the host knows that. */
function lastRun({ scheduleStatus }: Partial<Timer>): Date | undefined {
  const time = Date.parse(scheduleStatus?.last ?? '');
  return Number.isNaN(time) ? undefined : new Date(time);
}
