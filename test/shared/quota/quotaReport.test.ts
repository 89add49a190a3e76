import { describe, expect, test } from 'vitest';
import { EMPTY_LEDGER, type Ledger, type LedgerRules } from '#shared/quota/ledger.ts';
import { type QuotaReport, quotaReport } from '#shared/quota/quotaReport.ts';

const rules: LedgerRules = {
  limits: [{ calls: 10, windowMs: 60_000 }],
  share: 1,
  inProcessWaitMs: 20_000,
  probeIntervalMs: 5_000,
};
const NOW = 1_000_000_000;

test('what remains is never less than nothing, though more was called than the lowered rate permits', () => {
  const calls = Array.from({ length: 10 }, () => NOW - 1_000);
  const report = quotaReport({ ...EMPTY_LEDGER, calls, strike: { rate: 0.25, at: NOW } }, rules, 0, NOW);
  expect(report.windows).toMatchObject([{ permitted: 2, used: 10, remaining: 0 }]);
});

test('the line is drained no earlier than a pause permits', () => {
  const pause = { until: NOW + 300_000, at: NOW };
  const { drainedBy } = quotaReport({ ...EMPTY_LEDGER, pause }, rules, 1, NOW);
  expect(drainedBy?.getTime()).toBeGreaterThanOrEqual(pause.until);
});

describe('a line of 10,000 alerts at the real limits', () => {
  const limits = (minute: number, hour?: number) => [
    { calls: minute, windowMs: 60_000 },
    ...(hour === undefined ? [] : [{ calls: hour, windowMs: 3_600_000 }]),
  ];
  const defender: LedgerRules = { ...rules, limits: limits(100, 1_500) };
  const alerts: LedgerRules = { ...rules, limits: limits(120) };
  const hunting: LedgerRules = { ...rules, limits: limits(20) };
  const minutes = ({ drainedBy }: QuotaReport) => ((drainedBy?.getTime() ?? 0) - NOW) / 60_000;

  test('takes more than six hours one by one', () => {
    const report = quotaReport(EMPTY_LEDGER, defender, 10_000, NOW);
    expect(minutes(report)).toBeGreaterThan(360);
    expect(minutes(report)).toBeLessThan(400);
    expect(report.bulk).toBeUndefined();
  });

  // What the outbreak benchmark has measured: docs/benchmarks.md.
  test('takes minutes by lists of Defender, and no less than was measured', () => {
    const apis = [{ ledger: EMPTY_LEDGER, rules: defender, alertsPerCall: [1_800, 30] }];
    const report = quotaReport(EMPTY_LEDGER, defender, 10_000, NOW, apis);
    expect(report.bulk).toBe(true);
    expect(minutes(report)).toBeGreaterThan(164 / 60);
    expect(minutes(report)).toBeLessThan(5);
  });

  test('takes minutes by lists of Graph and hunting, and no less than was measured', () => {
    const apis = [
      { ledger: EMPTY_LEDGER, rules: alerts, alertsPerCall: [999] },
      { ledger: EMPTY_LEDGER, rules: hunting, alertsPerCall: [100] },
    ];
    const report = quotaReport(EMPTY_LEDGER, alerts, 10_000, NOW, apis);
    expect(minutes(report)).toBeGreaterThan(216 / 60);
    expect(minutes(report)).toBeLessThan(6);
  });

  test('takes as long as a pause, and cannot be told while the circuit is open', () => {
    const apis = (ledger: Ledger) => [{ ledger, rules: defender, alertsPerCall: [1_800, 30] }];
    const paused = { ...EMPTY_LEDGER, pause: { until: NOW + 600_000, at: NOW } };
    expect(minutes(quotaReport(paused, defender, 10_000, NOW, apis(paused)))).toBeGreaterThan(10);
    const circuit = {
      openedAt: NOW,
      refusedAt: NOW,
      probeAt: NOW + 5_000,
      failures: 1,
      cause: 'forbidden' as const,
      detail: 'no role',
    };
    const open = { ...EMPTY_LEDGER, circuit };
    expect(quotaReport(open, defender, 10_000, NOW, apis(open))).toMatchObject({ drainedBy: null });
  });
});

test('a few alerts are not said to take longer by lists than one by one', () => {
  const apis = [{ ledger: EMPTY_LEDGER, rules, alertsPerCall: [1_800, 30] }];
  const report = quotaReport(EMPTY_LEDGER, rules, 2, NOW, apis);
  expect([report.drainedBy?.getTime(), report.bulk]).toEqual([NOW, undefined]);
});
