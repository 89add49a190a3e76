import type { CallRecord } from '#dev/simulator/callLog.ts';
import type { Outcome } from '#shared/enrichment/enrichment.ts';

/** One run of the function that lived to report its end. */
export interface Run {
  alertId: string;
  submissionId: string;
  /** `enriched`, `not_found`, `failed`, `deferred` or `repeated`. */
  result: string;
  /** Whether it went as far as asking the source. */
  hasCalled: boolean;
  /** When it began and when its end was reported, in milliseconds since 1970. */
  startedAt: number;
  endedAt: number;
}

/** Everything that went in and came out. */
export interface Books {
  /** The alert of each submission, by submission ID. */
  submitted: ReadonlyMap<string, string>;
  messages: readonly {
    submissionId: string;
    alertId: string;
    outcome: Outcome;
    /** Undefined where the message names none. */
    deviceId?: string | undefined;
  }[];
  /** The device of each alert. */
  devices: ReadonlyMap<string, string | null>;
  rows: readonly { alertId: string; isClaimed: boolean }[];
  calls: readonly CallRecord[];
  runs: readonly Run[];
}

/** What the books say. */
export interface Balance {
  submissions: number;
  alerts: number;
  /** Submissions by their outcome. */
  outcomes: Partial<Record<Outcome, number>>;
  /** Submissions without an outcome, with more than one, and outcomes of what was never submitted. */
  lost: number;
  contradicted: number;
  unknown: number;
  /** Messages with a device that is not the alert's. */
  wrongDevices: number;
  rows: number;
  rowsTooMany: number;
  rowsMissing: number;
  claimsLeft: number;
  /** Messages beyond one a submission, by why: their first sender died before it reported, or not. */
  copies: { ofTheDead: number; unexplained: number };
  calls: number;
  /** Calls beyond one an alert, by why: the answer was spoiled, whoever asked died with it, or neither. */
  extraCalls: { spoiled: number; ofTheDead: number; unexplained: number };
}

export function balance({ submitted, messages, devices, rows, calls, runs }: Books): Balance {
  const bySubmission = Map.groupBy(messages, ({ submissionId }) => submissionId);
  const outcomes = [...bySubmission].flatMap(([submissionId, copies]) =>
    submitted.has(submissionId) ? [...new Set(copies.map(({ outcome }) => outcome))] : [],
  );
  const alertIds = new Set(submitted.values());
  const rowIds = new Set(rows.map(({ alertId }) => alertId));
  return {
    submissions: submitted.size,
    alerts: alertIds.size,
    outcomes: Object.fromEntries(
      [...Map.groupBy(outcomes, (outcome) => outcome)].map(([outcome, all]) => [outcome, all.length]),
    ),
    lost: [...submitted.keys()].filter((submissionId) => !bySubmission.has(submissionId)).length,
    contradicted: [...bySubmission.values()].filter(
      (copies) => new Set(copies.map(({ outcome, alertId }) => `${outcome} ${alertId}`)).size > 1,
    ).length,
    unknown: [...bySubmission.keys()].filter((submissionId) => !submitted.has(submissionId)).length,
    wrongDevices: messages.filter(
      ({ alertId, deviceId }) => deviceId !== undefined && deviceId !== devices.get(alertId),
    ).length,
    rows: rows.length,
    rowsTooMany: rows.length - [...alertIds].filter((alertId) => rowIds.has(alertId)).length,
    rowsMissing: [...alertIds].filter((alertId) => !rowIds.has(alertId)).length,
    claimsLeft: rows.filter(({ isClaimed }) => isClaimed).length,
    copies: copiesOf([...bySubmission.values()], runs),
    calls: calls.length,
    extraCalls: extraCallsOf(calls, runs),
  };
}

/** Whoever sends a message and lives reports an outcome: what was sent without a report was sent by the dead. */
function copiesOf(
  groups: readonly (readonly { submissionId: string }[])[],
  runs: readonly Run[],
): Balance['copies'] {
  const reports = Map.groupBy(
    runs.filter(({ result }) => result !== 'deferred' && result !== 'repeated'),
    ({ submissionId }) => submissionId,
  );
  const copies = { ofTheDead: 0, unexplained: 0 };
  for (const messages of groups) {
    const reported = reports.get(messages[0]?.submissionId ?? '')?.length ?? 0;
    const unexplained = Math.max(0, Math.min(reported, messages.length) - 1);
    copies.unexplained += unexplained;
    copies.ofTheDead += messages.length - 1 - unexplained;
  }
  return copies;
}

/** A host prints what the function logged a little later. */
const REPORT_LAG_MS = 100;

/** A call is of the dead when no run that lived to report its end was asking about the alert at that time. */
function extraCallsOf(calls: readonly CallRecord[], runs: readonly Run[]): Balance['extraCalls'] {
  const asking = Map.groupBy(
    runs.filter(({ hasCalled }) => hasCalled),
    ({ alertId }) => alertId,
  );
  const isOfTheLiving = ({ alertId, time }: CallRecord) =>
    (asking.get(alertId ?? '') ?? []).some(
      ({ startedAt, endedAt }) => startedAt - REPORT_LAG_MS <= time && time <= endedAt,
    );
  const extra = { spoiled: 0, ofTheDead: 0, unexplained: 0 };
  // Calls for lists are about no alert.
  const single = calls.filter(({ alertId }) => alertId !== null);
  for (const ofAlert of Map.groupBy(single, ({ alertId }) => alertId).values()) {
    const good = ofAlert.filter(({ fault }) => fault === null);
    const unexplained = Math.max(0, good.filter(isOfTheLiving).length - 1);
    extra.spoiled += ofAlert.length - Math.max(1, good.length);
    extra.unexplained += unexplained;
    extra.ofTheDead += Math.max(0, good.length - 1) - unexplained;
  }
  return extra;
}
