import { formatDuration } from '#shared/config/setting.ts';
import type { SourceChoice } from '#shared/config/sourceSettings.ts';
import type { ApiQuotaReport } from '#shared/quota/quotaReport.ts';
import { columns, printable, shortened } from '#shared/text.ts';
import { timeOf } from '../words.ts';

/** A tenant that has a row. */
export type ListedTenant =
  | { kind: 'broken'; id: string; detail: string }
  /** A row of the home tenant says nothing. */
  | { kind: 'disabled' | 'home'; id: string; name: string | undefined }
  | {
      kind: 'served';
      id: string;
      name: string | undefined;
      source: SourceChoice;
      quota: ApiQuotaReport;
      /** Submissions that were promised a turn. */
      waiting: number;
    };

const LONGEST_NAME = 30;

/** The tenants as a table for a person, with what is wrong below it. */
export function tenantLines(tenants: readonly ListedTenant[]): string[] {
  if (tenants.length === 0) {
    return ['There are no tenants but the home tenant. "npm run ops -- tenants add <tenantId>" adds one.'];
  }
  const troubles = tenants.flatMap((tenant) => {
    const trouble = troubleOf(tenant);
    return trouble === undefined ? [] : [`${tenant.id}: ${printable(trouble)}`];
  });
  return [
    ...columns([['TENANT', 'NAME', 'STATE', 'SOURCE', 'QUOTA USED', 'WAITING'], ...tenants.map(cells)]),
    ...(troubles.length === 0 ? [] : ['', ...troubles]),
  ];
}

function cells(tenant: ListedTenant): string[] {
  if (tenant.kind === 'broken') {
    return [tenant.id, '', 'broken row', '', '', ''];
  }
  const name = shortened(printable(tenant.name ?? ''), LONGEST_NAME);
  if (tenant.kind !== 'served') {
    return [tenant.id, name, tenant.kind === 'home' ? 'home tenant: row unused' : 'disabled', '', '', ''];
  }
  const { source, quota, waiting } = tenant;
  const used = quota.windows.map(
    (window) => `${window.used} of ${window.permitted} in ${formatDuration(window.limit.windowMs)}`,
  );
  return [tenant.id, name, stateOf(quota), source, used.join(', '), String(waiting)];
}

function stateOf({ circuit, pausedUntil }: ApiQuotaReport): string {
  if (circuit !== null) {
    return 'circuit open';
  }
  return pausedUntil === null ? 'served' : 'paused';
}

function troubleOf(tenant: ListedTenant): string | undefined {
  if (tenant.kind === 'broken') {
    return tenant.detail;
  }
  if (tenant.kind !== 'served') {
    return undefined;
  }
  const { circuit, pausedUntil } = tenant.quota;
  if (circuit !== null) {
    return `${circuit.detail} (since ${timeOf(circuit.openSince)}; next probe ${timeOf(circuit.nextProbe)})`;
  }
  return pausedUntil === null ? undefined : `paused until ${timeOf(pausedUntil)}, after a 429`;
}

/** What a consent lets the app do, API by API. */
const GRANTS = {
  defender: [
    'Defender API  Machine.Read.All: read devices',
    'Defender API  Alert.Read.All: read alerts, for the poller and for many alerts at once',
  ],
  graph: [
    'Microsoft Graph  SecurityAlert.Read.All: read alerts of all Defender products',
    'Microsoft Graph  ThreatHunting.Read.All: run hunting queries',
  ],
} as const;

/** What an administrator of the customer's tenant does, and what that grants. */
export function consentLines(link: string, source: SourceChoice, tenantId: string): string[] {
  const apis = source === 'auto' ? (['defender', 'graph'] as const) : ([source] as const);
  return [
    "An administrator of the customer's tenant (Privileged Role Administrator) opens this once and accepts:",
    `  ${link}`,
    'The app needs of what is shown there:',
    ...apis.flatMap((api) => GRANTS[api].map((grant) => `  ${grant}`)),
    'All of it reads; nothing can be changed there. No secret is exchanged.',
    `Then: npm run ops -- tenants check ${tenantId}`,
  ];
}
