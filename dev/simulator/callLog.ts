/** The routes of the Defender API and of Microsoft Graph, by the names that logs and reports use. */
export type Route =
  | 'alertMachine'
  | 'machines'
  | 'machine'
  | 'alerts'
  | 'alert'
  | 'graphAlert'
  | 'graphAlerts'
  | 'hunting'
  | 'unknown';

/** One call as the API saw it. */
export interface CallRecord {
  /** When it arrived, in milliseconds since 1970. */
  time: number;
  route: Route;
  /** The ID that the Defender API knows the alert by; null where no alert was named. */
  alertId: string | null;
  /** The IDs that a hunting query asked for. */
  ids?: readonly string[];
  /** The app that called; null where the token did not say. */
  appId: string | null;
  /** The tenant that the token is for; null where it did not say. */
  tenantId: string | null;
  /**
   * The tenants whose alerts and machines were asked for: that of the token where it has them, else whoever has.
   * Empty where no ID was named, or one that nobody has.
   */
  owners: readonly string[];
  /** Null while, or because, nothing was answered. */
  status: number | null;
  /** True when the call was counted against the quota. */
  counted: boolean;
  /** The fault that spoiled the answer, if any. */
  fault: string | null;
}

/** What was served, summed up. */
export interface Report {
  calls: number;
  /** Calls that were counted against the quota. */
  counted: number;
  /** Answers with status 429, whether the quota or a fault gave them. */
  throttled: number;
  /** Calls by route, then by status; `none` for calls that were never answered. */
  routes: Partial<Record<Route, Record<string, number>>>;
  /** Calls by alert ID. */
  alerts: Record<string, number>;
  /** Answers by the fault that spoiled them. */
  faults: Record<string, number>;
  /** Of all tenants together; left out in the report of one. */
  tokensIssued?: number;
  /** Calls that a neighbour got through. */
  neighbourCalls: number;
}

/** Sums up a log. */
export function summarize(
  calls: readonly CallRecord[],
  others: Pick<Report, 'tokensIssued' | 'neighbourCalls'>,
): Report {
  const routes: Report['routes'] = {};
  for (const [route, routeCalls] of Map.groupBy(calls, (call) => call.route)) {
    routes[route] = countBy(routeCalls, (call) => String(call.status ?? 'none'));
  }
  return {
    calls: calls.length,
    counted: calls.filter((call) => call.counted).length,
    throttled: calls.filter((call) => call.status === 429).length,
    routes,
    alerts: countBy(calls, (call) => call.alertId),
    faults: countBy(calls, (call) => call.fault),
    ...others,
  };
}

/** The calls that a token of one tenant made for what belongs to another. */
export function foreignCalls(calls: readonly CallRecord[]): CallRecord[] {
  return calls.filter(({ tenantId, owners }) => owners.some((owner) => owner !== tenantId));
}

/**
 * The highest number of counted calls in any window of this length (ms), wherever it begins. A limit was kept when
 * this does not exceed it. A call exactly one window after another belongs to the next window.
 */
export function highestInAnyWindow(calls: readonly CallRecord[], windowMs: number): number {
  const times = calls.filter((call) => call.counted).map((call) => call.time);
  times.sort((left, right) => left - right);
  let highest = 0;
  let first = 0;
  for (const [index, time] of times.entries()) {
    while ((times[first] as number) <= time - windowMs) {
      first += 1;
    }
    highest = Math.max(highest, index - first + 1);
  }
  return highest;
}

function countBy(
  calls: readonly CallRecord[],
  keyOf: (call: CallRecord) => string | null,
): Record<string, number> {
  const counts = new Map<string, number>();
  for (const call of calls) {
    const key = keyOf(call);
    if (key !== null) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return Object.fromEntries(counts);
}
