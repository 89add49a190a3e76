import type { RateLimit } from '../config/rateLimits.ts';
import { effectiveRate } from './effectiveLimits.ts';
import { type Ledger, type LedgerRules, limitsInForce } from './ledger.ts';
import { callsInWindow, nextSlots } from './slidingLog.ts';

/** How the quota of one API stands: how much is left, and what holds calls up. */
export interface ApiQuotaReport {
  /** Each limit with the calls that the window ending now has seen; `permitted` is what share and rate leave of it. */
  windows: { limit: RateLimit; permitted: number; used: number; remaining: number }[];
  /** The share of the limits in use now, lowered by 429s (0 to 1). */
  rate: number;
  /** Set while a 429 keeps all calls back. */
  pausedUntil: Date | null;
  /** Set while the circuit of this API is open. */
  circuit: { openSince: Date; nextProbe: Date; detail: string } | null;
}

/** What a person wants to know about the quota: how it stands, and how long the line is. */
export interface QuotaReport extends ApiQuotaReport {
  /** Messages in the input queue, about: the ones that wait for their time included. */
  queued: number;
  /**
   * When all of them can have been looked up, if each takes one call, or by lists if these are made now; null when the
   * circuit is open.
   */
  drainedBy: Date | null;
  /** Set when `drainedBy` counts on lists. */
  bulk?: true;
  /** The source whose API this is about. */
  source?: 'defender' | 'graph';
  /** The quota of hunting, where Microsoft Graph is the source. */
  hunting?: ApiQuotaReport;
}

/** What the quota tells the log, about once a minute while there is work. */
export type QuotaEvent =
  | ({ event: 'quota'; tenantId?: string | undefined } & QuotaReport)
  /** The quota could not be read when its line was due. */
  | { event: 'quota_failed'; detail: string; tenantId?: string | undefined };

/** Most calls that are forecast one by one; beyond that the estimate goes on at the same pace. */
const MOST_FORECAST = 20_000;

/**
 * Reports how the quota of one API stands. Pure.
 * @param now Milliseconds on the storage clock.
 */
export function apiQuotaReport(ledger: Ledger, rules: LedgerRules, now: number): ApiQuotaReport {
  const inForce = limitsInForce(ledger, rules, now);
  const { pause, circuit } = ledger;
  return {
    windows: rules.limits.map((limit, index) => {
      const permitted = inForce[index]?.calls ?? 0;
      const used = callsInWindow(ledger.calls, limit.windowMs, now);
      return { limit, permitted, used, remaining: Math.max(0, permitted - used) };
    }),
    rate: effectiveRate(ledger.strike, rules.limits, now),
    pausedUntil: pause !== null && pause.until > now ? new Date(pause.until) : null,
    circuit: circuit && {
      openSince: new Date(circuit.openedAt),
      nextProbe: new Date(circuit.probeAt),
      detail: circuit.detail,
    },
  };
}

/** The quota of an API, and how many alerts a call of bulk look-ups carries there. */
export interface BulkApi {
  ledger: Ledger;
  rules: LedgerRules;
  /** By each kind of call that bulk look-ups make in this API. */
  alertsPerCall: readonly number[];
}

/**
 * Reports how the quota stands, with the time at which all queued alerts can have been looked up. Pure.
 * @param queued Messages in the input queue.
 * @param now Milliseconds on the storage clock.
 * @param lists The APIs that answer in bulk; undefined while no lists are made.
 */
export function quotaReport(
  ledger: Ledger,
  rules: LedgerRules,
  queued: number,
  now: number,
  lists?: readonly BulkApi[],
): QuotaReport {
  const single = lastSlot(ledger, rules, queued, now);
  const many = lists === undefined ? Number.POSITIVE_INFINITY : drainedByLists(lists, queued, now);
  return {
    ...apiQuotaReport(ledger, rules, now),
    queued,
    drainedBy: ledger.circuit === null ? new Date(Math.min(single, many)) : null,
    ...(ledger.circuit === null && many < single && { bulk: true }),
  };
}

/**
 * How many alerts of lists a process finishes in a second: storing and publishing them takes longer than the calls
 * (`npm run bench -- outbreak` on two cores: 46 to 94).
 */
const ALERTS_PER_SECOND = 50;

/**
 * When lists have answered all alerts, at the latest (storage clock, ms). Each alert may have a device of its own;
 * alerts that share devices take fewer calls.
 */
function drainedByLists(apis: readonly BulkApi[], queued: number, now: number): number {
  const calls = apis.map(({ ledger, rules, alertsPerCall }) => {
    const count = alertsPerCall.reduce((sum, alerts) => sum + Math.ceil(queued / alerts), 0);
    return lastSlot(ledger, rules, count, now);
  });
  return Math.max(now + (queued * 1_000) / ALERTS_PER_SECOND, ...calls);
}

/** When the last of these calls can be made (storage clock, ms). */
function lastSlot(ledger: Ledger, rules: LedgerRules, calls: number, now: number): number {
  const from = Math.max(now, ledger.pause?.until ?? now);
  const limits = limitsInForce(ledger, rules, now);
  const last = nextSlots(ledger.calls, limits, from, Math.min(calls, MOST_FORECAST)).at(-1) ?? now;
  return calls <= MOST_FORECAST ? last : now + ((last - now) * calls) / MOST_FORECAST;
}
