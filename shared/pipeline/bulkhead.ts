/**
 * Keeps one tenant from taking all workers of a process: its look-ups may wait for slots, or for an API that is slow or
 * silent, while others' are answered at once.
 */
export interface Bulkhead {
  /**
   * Takes a place for one look-up of the tenant.
   * @returns What gives the place back; undefined when the tenant has as many as it may have now.
   */
  enter(tenant: string): (() => void) | undefined;
}

/**
 * Look-ups under way in one process, of all tenants together: as many messages as the Functions host hands to it at most,
 * `batchSize` and `newBatchThreshold` of host.json together
 * (https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json). With fewer, tenants with
 * a backlog each are put back when their turn has come, and drain later than their quota allows
 * (test/shared/tenants/drain.test.ts). The host takes no more while more than the threshold is in hand, which is short:
 * among several tenants no alert waits in a worker for long.
 */
export const PLACES = 48;

/**
 * A tenant may have as many places as are free. So one that is slow gets half of them, two get a third each, and however
 * many are slow, there are places for the others. (Switches share their buffers by this rule: A. K. Choudhury and
 * E. L. Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998.)
 * @param places Of the process.
 */
export function createBulkhead(places: number = PLACES): Bulkhead {
  const taken = new Map<string, number>();
  let free = places;
  return {
    enter(tenant) {
      const own = taken.get(tenant) ?? 0;
      if (own >= free) {
        return undefined;
      }
      taken.set(tenant, own + 1);
      free -= 1;
      return () => {
        free += 1;
        const left = (taken.get(tenant) ?? 1) - 1;
        if (left === 0) {
          taken.delete(tenant);
        } else {
          taken.set(tenant, left);
        }
      };
    },
  };
}
