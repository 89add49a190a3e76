import * as z from 'zod';
import type { FaultRates } from '../simulator/faults.ts';

/** What the demo asks of the simulator's controls. All throw when the simulator does not answer as expected. */
export interface SimulatorClient {
  /** The IDs of all alerts that a tenant has; the home tenant where none is named. */
  knownAlertIds(tenantId?: string): Promise<string[]>;
  /** Whether the app gets tokens of the tenant. */
  setConsent(tenantId: string, isGiven: boolean): Promise<void>;
  setFaultRates(rates: FaultRates): Promise<void>;
  /** How often it was called, by what was asked for. */
  calls(): Promise<Record<string, number>>;
}

/** The routes of the APIs in words. */
const ROUTES: Record<string, string> = {
  alertMachine: 'for one alert',
  alerts: 'for lists of alerts',
  machines: 'for lists of devices',
  graphAlert: 'for one alert',
  graphAlerts: 'for lists of alerts',
  hunting: 'of hunting',
};

const alertIdsSchema = z.object({ alertIds: z.array(z.string()) });
const reportSchema = z.object({ routes: z.record(z.string(), z.record(z.string(), z.number())) });

export function createSimulatorClient(controlUrl: string): SimulatorClient {
  async function request(path: string, body?: object): Promise<unknown> {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${controlUrl}${path}`, { ...init, signal: AbortSignal.timeout(10_000) });
    const answer: unknown = await response.json();
    if (!response.ok) {
      throw new Error(`The simulator refused ${path}: ${JSON.stringify(answer)}`);
    }
    return answer;
  }

  return {
    async knownAlertIds(tenantId) {
      const prefix = tenantId === undefined ? '' : `/tenants/${tenantId}`;
      return alertIdsSchema.parse(await request(`${prefix}/alerts`)).alertIds;
    },
    async setConsent(tenantId, isGiven) {
      await request(`/tenants/${tenantId}/sign-in`, { state: isGiven ? 'granted' : 'no-consent' });
    },
    async setFaultRates(rates) {
      await request('/faults', { rates });
    },
    async calls() {
      const { routes } = reportSchema.parse(await request('/report'));
      const calls: Record<string, number> = {};
      for (const [route, byStatus] of Object.entries(routes)) {
        const name = ROUTES[route] ?? route;
        calls[name] = (calls[name] ?? 0) + Object.values(byStatus).reduce((total, count) => total + count, 0);
      }
      return calls;
    },
  };
}
