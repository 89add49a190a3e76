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
  /** Set while Defender refuses the app as a whole. */
  circuit: { openSince: Date; nextProbe: Date; detail: string } | null;
}

/** What a person wants to know about the quota: how it stands, and how long the line is. */
export interface QuotaReport extends ApiQuotaReport {
  /** Messages in the input queue, about: the ones that wait for their time included. */
  queued: number;
  /** When all of them can have been looked up if each takes one call; null when the circuit is open. */
  drainedBy: Date | null;
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

/** Beyond so many messages the estimate goes on at the same pace. */
const MOST_FORECAST = 20_000;

/** @param now Milliseconds on the storage clock. */
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

/** @param now Milliseconds on the storage clock. */
export function quotaReport(ledger: Ledger, rules: LedgerRules, queued: number, now: number): QuotaReport {
  const inForce = limitsInForce(ledger, rules, now);
  return {
    ...apiQuotaReport(ledger, rules, now),
    queued,
    drainedBy: ledger.circuit === null ? drainedBy(ledger, inForce, queued, now) : null,
  };
}

function drainedBy(ledger: Ledger, limits: readonly RateLimit[], queued: number, now: number): Date {
  const from = Math.max(now, ledger.pause?.until ?? now);
  const slots = nextSlots(ledger.calls, limits, from, Math.min(queued, MOST_FORECAST));
  const last = slots.at(-1) ?? now;
  return new Date(queued <= MOST_FORECAST ? last : now + ((last - now) * queued) / MOST_FORECAST);
}
