import { expect, test } from 'vitest';
import { emptyLedger, type LedgerRules } from '#shared/quota/ledger.ts';
import { quotaReport } from '#shared/quota/quotaReport.ts';

const rules: LedgerRules = {
  limits: [{ calls: 10, windowMs: 60_000 }],
  share: 1,
  inProcessWaitMs: 20_000,
  probeIntervalMs: 5_000,
};
const NOW = 1_000_000_000;

test('what remains is never less than nothing, though more was called than the lowered rate permits', () => {
  const calls = Array.from({ length: 10 }, () => NOW - 1_000);
  const report = quotaReport({ ...emptyLedger, calls, strike: { rate: 0.25, at: NOW } }, rules, 0, NOW);
  expect(report.windows).toMatchObject([{ permitted: 2, used: 10, remaining: 0 }]);
});

test('the line is drained no earlier than a pause permits', () => {
  const pause = { until: NOW + 300_000, at: NOW };
  const { drainedBy } = quotaReport({ ...emptyLedger, pause }, rules, 1, NOW);
  expect(drainedBy?.getTime()).toBeGreaterThanOrEqual(pause.until);
});
