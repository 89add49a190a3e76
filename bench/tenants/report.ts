import type { TenantMeasurement, TenantsMeasurement } from './tenants.ts';

/** One row a tenant of each run, and one for what concerns all of a run. */
export function tenantsTable(measurements: readonly TenantsMeasurement[]): {
  head: string[];
  rows: string[][];
} {
  return {
    head: [
      'run',
      'tenant',
      'alerts',
      'enriched',
      'other messages',
      'waiting, dead letters',
      'calls',
      '429s',
      'with the token of another',
      'fullest window',
      'time to drain ÷ floor',
      'new alert answered, p50 / most',
      'put back, times an alert',
      'tokens asked for',
    ],
    rows: measurements.flatMap((run) => [
      ...run.tenants.map((tenant) => [run.scenario, ...tenantRow(tenant)]),
      [
        run.scenario,
        'all',
        '',
        '',
        '',
        `${run.waiting}, ${run.deadLetters}`,
        ...new Array<string>(8).fill(''),
      ],
    ]),
  };
}

function tenantRow(tenant: TenantMeasurement): string[] {
  const { drainMs, floorMs, answerMs, fullest } = tenant;
  const ratio =
    tenant.enriched === tenant.alerts && floorMs > 0 ? ` = ${(drainMs / floorMs).toFixed(2)}` : '';
  return [
    tenant.name,
    String(tenant.alerts),
    String(tenant.enriched),
    String(tenant.other),
    '',
    String(tenant.calls),
    String(tenant.throttled),
    String(tenant.foreignCalls),
    Object.entries(fullest)
      .map(([limit, calls]) => `${limit}: ${calls}`)
      .join(', '),
    `${seconds(drainMs)} / ${seconds(floorMs)}${ratio}`,
    answerMs === undefined ? '' : `${seconds(answerMs.p50)} / ${seconds(answerMs.most)}`,
    Object.entries(tenant.deferrals)
      .map(([reason, count]) => `${reason} ${(count / Math.max(1, tenant.alerts)).toFixed(2)}`)
      .join(', '),
    String(tenant.signIns),
  ];
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}
