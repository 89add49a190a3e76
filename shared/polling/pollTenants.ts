import { atMost } from '../promises.ts';
import type { PollEvent, Poller } from './poller.ts';

/** One tenant whose alerts are polled. */
export interface PolledTenant {
  /** Undefined for the home tenant. */
  tenantId: string | undefined;
  poller: Poller;
}

/** Most passes under way at a time. */
const PASSES_AT_ONCE = 16;

/**
 * Makes a pass over each of the tenants, several at once. A slow pass is cut off by its own deadline, and a pass that
 * fails does not stop the others.
 * @param deadlineMs Longest time of one pass (ms).
 * @param log Hears of each pass when it has ended.
 * @param describe Describes an error for the log.
 */
export async function pollTenants(
  tenants: readonly PolledTenant[],
  deadlineMs: number,
  log: (event: PollEvent) => void,
  describe: (error: unknown) => string,
): Promise<void> {
  const limited = atMost(PASSES_AT_ONCE);
  await Promise.all(
    tenants.map(({ tenantId, poller }) =>
      limited(async () => {
        const whose = tenantId === undefined ? {} : { tenantId };
        try {
          log({ event: 'poll', ...whose, ...(await poller.poll(AbortSignal.timeout(deadlineMs))) });
        } catch (error) {
          log({ event: 'poll_failed', ...whose, detail: describe(error) });
        }
      }),
    ),
  );
}
