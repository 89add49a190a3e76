import type { Order } from '../intake/order.ts';
import type { Result } from '../result.ts';
import type { RejectedPart } from './orderResponse.ts';
import type { Problem } from './problem.ts';
import type { Confinement, TenantAccess } from './tenantAccess.ts';

/** A valid alert of an order, and the parts of its tenant. */
export interface RoutedAlert<Scope> {
  index: number;
  submission: Order['submissions'][number]['submission'];
  scope: Scope;
}

/**
 * Finds the tenant of each alert of an order. One that the caller may not act for is rejected, and the others go on.
 * @param inAddress The tenant of those alerts that name none themselves; null or blank for none.
 * @throws When the tenants table cannot be used.
 */
export async function routeOrder<Scope>(
  order: Order,
  access: Pick<TenantAccess<Scope>, 'servesCustomers' | 'find'>,
  confinement: Confinement,
  inAddress: string | null,
): Promise<{ alerts: RoutedAlert<Scope>[]; rejected: RejectedPart[] }> {
  const named = inAddress?.trim() || null;
  const alerts: RoutedAlert<Scope>[] = [];
  const rejected: RejectedPart[] = [...order.rejected];
  const found = new Map<string, Result<{ scope: Scope; tenantId: string | undefined }, Problem>>();
  for (const { index, submission } of order.submissions) {
    const { alertId, tenantId: own } = submission;
    const wanted = own ?? named ?? undefined;
    if (own !== undefined && named !== null && own.toLowerCase() !== named.toLowerCase()) {
      const detail = `The alert names the tenant ${JSON.stringify(own)} and the address another one.`;
      rejected.push({ index, reason: 'other-tenant', detail, alertId });
      continue;
    }
    // Where there is one tenant, the pipeline deals with an alert of another as it comes.
    const asked = access.servesCustomers ? wanted : named;
    const key = asked?.toLowerCase() ?? '';
    const route = found.get(key) ?? (await access.find(confinement, asked));
    found.set(key, route);
    if (!route.ok) {
      rejected.push({ index, reason: route.error.problem, detail: route.error.detail, alertId });
      continue;
    }
    const { scope, tenantId = own } = route.value;
    const routed = tenantId === undefined ? submission : { ...submission, tenantId };
    alerts.push({ index, submission: routed, scope });
  }
  return { alerts, rejected: rejected.sort((one, other) => one.index - other.index) };
}
