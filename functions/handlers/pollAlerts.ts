import type { TimerHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import { POLL_DEADLINE_MS } from '../../shared/config/timingSettings.ts';
import type { PollEvent } from '../../shared/polling/poller.ts';
import { eventLog } from '../../shared/telemetry/log.ts';
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
