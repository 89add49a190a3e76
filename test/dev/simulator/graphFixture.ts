import type { RunningSimulator } from '#dev/simulator/simulator.ts';
import { tokenOf } from './simulatorFixture.ts';

export const GRAPH_AUDIENCE = 'https://graph.microsoft.com';

/** For tests in which no limit may matter. */
export const PLENTY = [{ calls: 10_000, windowMs: 1000 }];

export interface GraphReply {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** A call to Microsoft Graph, with a fresh token unless one is given. A body makes it a POST. */
export async function callGraph(
  simulator: RunningSimulator,
  path: string,
  { token, body }: { token?: string; body?: unknown } = {},
): Promise<GraphReply> {
  const response = await fetch(`${simulator.apiUrl}/v1.0${path}`, {
    headers: { Authorization: `Bearer ${token ?? (await tokenOf(simulator, { resource: GRAPH_AUDIENCE }))}` },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const content = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body: content };
}

/** One hunting query. */
export function hunt(simulator: RunningSimulator, query: string, token?: string): Promise<GraphReply> {
  const body = { Query: query, Timespan: 'P30D' };
  return callGraph(simulator, '/security/runHuntingQuery', token === undefined ? { body } : { body, token });
}

/** The rows of an answer with lower-case keys. */
export function rowsOf({ body }: GraphReply): Record<string, unknown>[] {
  return (body.results ?? []) as Record<string, unknown>[];
}

export const datatable = (column: string, ids: readonly string[]) =>
  `datatable(${column}:string)[${ids.map((id) => JSON.stringify(id)).join(', ')}]`;

/** Finds the devices of alerts. */
export const candidatesQuery = (alertIds: readonly string[]) => `
let Wanted = ${datatable('RequestId', alertIds)};
AlertEvidence
| where Timestamp > ago(30d) and EntityType == "Machine"
| lookup kind=inner (Wanted | project AlertId = RequestId, RequestId) on AlertId
| summarize Rank = min(Rank), EvidenceTime = max(Timestamp) by RequestId, DeviceId
| project RequestId, DeviceId, Rank = tostring(Rank), EvidenceTime = tostring(EvidenceTime)`;

/** Describes devices, in the usual columns. */
export const devicesQuery = (deviceIds: readonly string[]) => `
let Wanted = ${datatable('DeviceId', deviceIds)};
let Interfaces = DeviceNetworkInfo | where DeviceId in (Wanted) | summarize Interfaces = make_list(IPAddresses) by DeviceId;
DeviceInfo
| where DeviceId in (Wanted)
| summarize arg_max(Timestamp, *) by DeviceId
| lookup kind=leftouter Interfaces on DeviceId`;

/** Describes the main device of each alert, in the columns that the query's last operator names. */
export const alertsQuery = (alertIds: readonly string[], end = '') => `
let Wanted = ${datatable('RequestId', alertIds)};
let Main = AlertEvidence | lookup kind=inner Wanted on AlertId;
let Devices = DeviceInfo | where DeviceId in ((Main | project DeviceId));
let Interfaces = DeviceNetworkInfo | where DeviceId in ((Main | project DeviceId));
Wanted
| lookup kind=leftouter Main on RequestId
| lookup kind=leftouter Devices on DeviceId
| lookup kind=leftouter Interfaces on DeviceId
| extend Outcome = case(isnotnull(DeviceInfoTime), "device", "alert_unknown")${end}`;
