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

/** What was read is taken for so long without a look. */
const FRESH_MS = 25_000;
/** And for so long without waiting for the look. */
const STALE_MS = 50_000;
/** While the table cannot be read, what was known before holds for so long: a tenant that was disabled goes on until then. */
const KEPT_MS = 15 * 60_000;
/** After a read that failed the next one is made no sooner. */
const RETRY_MS = 5_000;

/** Reads all rows at once, for all who ask. @param now Milliseconds of a clock that goes on evenly. */
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
