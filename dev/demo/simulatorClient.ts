import * as z from 'zod';
import type { FaultRates } from '../simulator/faults.ts';

const alertIdsSchema = z.object({ alertIds: z.array(z.string()) });
const callsSchema = z.array(z.object({ time: z.number(), counted: z.boolean() }));

/** What the demo asks of the simulator's controls. All throw when the simulator does not answer as expected. */
export interface SimulatorClient {
  /** The IDs of all alerts that it knows. */
  knownAlertIds(): Promise<string[]>;
  setFaultRates(rates: FaultRates): Promise<void>;
  /** When it was called (milliseconds since 1970), as far as calls count against the quota. */
  countedCalls(): Promise<number[]>;
}

export function createSimulatorClient(controlUrl: string): SimulatorClient {
  async function request(path: string, init: RequestInit = {}): Promise<unknown> {
    const response = await fetch(`${controlUrl}${path}`, { signal: AbortSignal.timeout(10_000), ...init });
    const body: unknown = await response.json();
    if (!response.ok) {
      throw new Error(`The simulator refused ${path}: ${JSON.stringify(body)}`);
    }
    return body;
  }

  return {
    async knownAlertIds() {
      return alertIdsSchema.parse(await request('/alerts')).alertIds;
    },
    async setFaultRates(rates) {
      await request('/faults', { method: 'POST', body: JSON.stringify({ rates }) });
    },
    async countedCalls() {
      const calls = callsSchema.parse(await request('/calls'));
      return calls.flatMap(({ time, counted }) => (counted ? [time] : []));
    },
  };
}
