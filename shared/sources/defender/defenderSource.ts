import { createLookUp, type LookUpApi, type LookUpDeps } from '../lookUp.ts';
import type { AlertReference, Source, SourceAnswer } from '../source.ts';
import { DEFENDER_API, type DefenderClient } from './defenderClient.ts';

export interface DefenderSourceDeps extends LookUpDeps {
  client: Pick<DefenderClient, 'machineOfAlert'>;
  now: () => Date;
}

const LOOK_UPS: LookUpApi = {
  ...DEFENDER_API,
  roles: ['Machine.Read.All', 'Machine.ReadWrite.All'],
  advice:
    "Grant the app's identity the application role Machine.Read.All of the Defender API (WindowsDefenderATP), and check DEFENDER_TOKEN_SCOPE.",
  end: 'The Defender for Endpoint API is gone: Microsoft has announced its end for 2027-02-01 (MC1220762). Set ENRICHMENT_SOURCE to "graph" or "auto" (docs/graph.md). If it is not meant to be gone, check DEFENDER_API_URL.',
  refusesSingleAlerts: true,
};

/**
 * The Defender for Endpoint API as a source: `GET /api/alerts/{id}/machine`, one call an alert
 * (https://learn.microsoft.com/defender-endpoint/api/get-alert-related-machine-info).
 */
export function createDefenderSource(deps: DefenderSourceDeps): Source {
  const { client, now } = deps;
  const lookUp = createLookUp(LOOK_UPS, deps);

  return {
    name: 'defender',
    async find({ alertId, inLine }: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
      const call = (token: string) => client.machineOfAlert(alertId, token, signal);
      const place = inLine ? 'turn' : 'last';
      const answer = await lookUp({ subject: alertId, place, call }, signal);
      return answer.kind === 'machine'
        ? { kind: 'found', source: 'defender', machine: answer.machine, retrievedAt: now(), unavailable: [] }
        : answer;
    },
  };
}
