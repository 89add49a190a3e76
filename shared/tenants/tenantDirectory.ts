import type { TenantRow, TenantRows } from './tenantRow.ts';

/** The tenants as their rows were lately. */
export interface TenantDirectory {
  /**
   * The rows by tenant ID, as they were a minute ago at most, or longer while the table cannot be read.
   * @throws What the read threw, when nothing is known that is recent enough.
   */
  rows(): Promise<ReadonlyMap<string, TenantRow>>;
  /** Since when reads fail, in milliseconds; undefined while they do not. */
  failingSince(): number | undefined;
}

/** Rows that are younger are used without a read (ms). */
const FRESH_MS = 25_000;
/** Rows that are younger are used while a read is under way (ms). */
const STALE_MS = 50_000;
/**
 * How long rows are used while the table cannot be read (ms). A tenant that was disabled meanwhile goes on until then.
 */
const KEPT_MS = 15 * 60_000;
/** Shortest time from a failed read to the next one (ms). */
const RETRY_MS = 5_000;

/**
 * Reads all rows at once, and answers all callers from them.
 * @param now Milliseconds of a clock that goes on evenly.
 */
export function createTenantDirectory(list: TenantRows['list'], now: () => number): TenantDirectory {
  let known: { rows: ReadonlyMap<string, TenantRow>; at: number } | undefined;
  let failure: { since: number; at: number; error: unknown } | undefined;
  let underWay: Promise<ReadonlyMap<string, TenantRow>> | undefined;

  function read(): Promise<ReadonlyMap<string, TenantRow>> {
    underWay ??= readNow().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  async function readNow() {
    const at = now();
    try {
      const rows = new Map((await list()).map((row) => [row.tenant.id, row]));
      known = { rows, at };
      failure = undefined;
      return rows;
    } catch (error) {
      failure = { since: failure?.since ?? at, at: now(), error };
      throw error;
    }
  }

  return {
    async rows() {
      const ageMs = known === undefined ? Number.POSITIVE_INFINITY : now() - known.at;
      if (known !== undefined && ageMs < FRESH_MS) {
        return known.rows;
      }
      const isTooSoon = failure !== undefined && now() - failure.at < RETRY_MS;
      if (
        known !== undefined &&
        ageMs < KEPT_MS &&
        (isTooSoon || failure !== undefined || ageMs < STALE_MS)
      ) {
        if (!isTooSoon) {
          read().catch(() => undefined);
        }
        return known.rows;
      }
      if (isTooSoon) {
        throw failure?.error;
      }
      try {
        return await read();
      } catch (error) {
        if (known !== undefined && now() - known.at < KEPT_MS) {
          return known.rows;
        }
        throw error;
      }
    },
    failingSince: () => failure?.since,
  };
}
