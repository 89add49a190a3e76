import type { AlertIndex } from '../alertIndex.ts';
import { createCrowd } from '../crowd.ts';
import { createLookUp, type LookUpApi, type LookUpDeps } from '../lookUp.ts';
import { type AlertReference, endOfWaiting, placeOf, type Source, type SourceAnswer } from '../source.ts';
import { createDefenderBulk, type MachineStore } from './defenderBulk.ts';
import { DEFENDER_API, type DefenderClient } from './defenderClient.ts';

export interface DefenderSourceDeps extends LookUpDeps {
  client: Pick<DefenderClient, 'machineOfAlert' | 'machines'>;
  now: () => Date;
  /** What many alerts at once are looked up with; undefined where each alert takes its own call. */
  bulk?: { index: AlertIndex; machines: MachineStore; reuseForMs: number } | undefined;
}

/** Look-ups of devices in the Defender API: the roles that they need, and what to do when they are refused. */
export const DEVICE_LOOK_UPS: LookUpApi = {
  ...DEFENDER_API,
  roles: ['Machine.Read.All', 'Machine.ReadWrite.All'],
  advice:
    "Grant the app's identity the application role Machine.Read.All of the Defender API (WindowsDefenderATP), and check DEFENDER_TOKEN_SCOPE.",
  end: 'The Defender for Endpoint API is gone: Microsoft has announced its end for 2027-02-01 (MC1220762). Set ENRICHMENT_SOURCE to "graph" or "auto" (docs/graph.md). If it is not meant to be gone, check DEFENDER_API_URL.',
  refusesSingleAlerts: true,
};

/**
 * The Defender for Endpoint API as a source: `GET /api/alerts/{id}/machine`, one call an alert
 * (https://learn.microsoft.com/defender-endpoint/api/get-alert-related-machine-info); lists of alerts and machines
 * where many alerts come at once. Throws only when storage fails.
 */
export function createDefenderSource(deps: DefenderSourceDeps): Source {
  const { client, now, random, bulk } = deps;
  const lookUp = createLookUp(DEVICE_LOOK_UPS, deps);
  const many = bulk && createDefenderBulk({ ...bulk, client, lookUp, now, random });
  const crowd = createCrowd(now);

  async function findOne(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
    const { alertId } = alert;
    const call = (token: string) => client.machineOfAlert(alertId, token, signal);
    const answer = await lookUp({ alertId, place: placeOf(alert), call }, endOfWaiting(alert, signal));
    return answer.kind === 'machine'
      ? { kind: 'found', source: 'defender', machine: answer.machine, retrievedAt: now(), unavailable: [] }
      : answer;
  }

  async function find(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
    if (many === undefined || !(await crowd.becomesMany())) {
      return findOne(alert, signal);
    }
    const answer = await many.find(alert, endOfWaiting(alert, signal));
    if (answer.kind === 'machine') {
      const { part: machine, retrievedAt } = answer.kept;
      return { kind: 'found', source: 'defender', machine, retrievedAt, unavailable: [], bulk: true };
    }
    if (answer.kind !== 'single') {
      return answer;
    }
    const single = await findOne(alert, signal);
    if (single.kind === 'found') {
      await many.learn(answer.machineId, { part: single.machine, retrievedAt: single.retrievedAt });
    }
    return single;
  }

  return {
    name: 'defender',
    find: (alert, signal) => crowd.join(() => find(alert, signal)),
  };
}
