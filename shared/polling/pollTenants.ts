import { atMost } from '../promises.ts';
import type { PollEvent, Poller } from './poller.ts';

/** One tenant whose alerts are polled. */
export interface PolledTenant {
  /** Undefined for the home tenant. */
  tenantId: string | undefined;
  poller: Poller;
}

const PASSES_AT_ONCE = 16;

/**
 * Makes a pass over each of the tenants, several at once. One that is slow is cut off by its own deadline, and one that
 * fails fails alone.
 * @param log Hears of each pass when it has ended.
 * @param describe What an error is, for the log.
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
