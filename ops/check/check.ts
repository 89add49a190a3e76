import type { Application } from '#shared/application.ts';
import type { SettingsError } from '#shared/config/setting.ts';
import type { Settings } from '#shared/config/settings.ts';
import type { StorageClients } from '#shared/storage/storageClients.ts';
import { checkDefender, withoutLedger } from './checkDefender.ts';
import { checkGraph, graphWithoutLedger } from './checkGraph.ts';
import { checkDeadLetters, checkQueue, checkTable } from './checkStorage.ts';
import { checkDefenderToken, checkGraphToken } from './checkToken.ts';
import { type Finding, ok, problem } from './finding.ts';
import { readiness } from './readiness.ts';

/** Longer than a worker may wait for its turn in the quota, and for Defender's answer. */
const DEADLINE_MS = 100_000;
const STORAGE_DEADLINE_MS = 20_000;

/** What the check works with. */
export interface CheckDeps {
  settings: Settings;
  application: Pick<Application, 'reportQuota' | 'sources'>;
  /** They try once: the answer of now is what is wanted. */
  storage: StorageClients;
  now: () => Date;
}

/**
 * What an operator wants to know about a deployment. Changes nothing, and costs one call at most to each API that the
 * settings name. The last line says whether the deployment is ready for the end of the Defender API.
 */
export async function check({ settings, application, storage, now }: CheckDeps): Promise<Finding[]> {
  const { queues, tables, tenants, source, graph, polling, sourceChoice } = settings;
  const { sources } = application;
  const asks = { defender: sourceChoice !== 'graph', graph: sourceChoice !== 'defender' };
  const storageSignal = AbortSignal.timeout(STORAGE_DEADLINE_MS);
  const wanted = { polls: polling.schedule !== undefined, lists: settings.bulkLookups };
  const [stores, deadLetters, defenderToken, graphToken] = await Promise.all([
    Promise.all([
      ...[queues.alerts, queues.poison, queues.enrichments].map((name) =>
        checkQueue(storage.queue(name), settings.storage, storageSignal),
      ),
      ...[tables.enrichments, tables.state, ...(tenants.app === undefined ? [] : [tenants.table])].map(
        (name) => checkTable(storage.table(name), settings.storage, storageSignal),
      ),
    ]),
    checkDeadLetters(storage.queue(queues.poison), now(), storageSignal),
    asks.defender ? checkDefenderToken(sources.defender.tokens, source.tokenScope, wanted) : [],
    sourceChoice === 'defender' ? [] : checkGraphToken(sources.graph.tokens, graph.tokenScope, sourceChoice),
  ]);
  const isStorageUsable = stores.every(({ status }) => status === 'ok');
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const askDefender = () =>
    isStorageUsable ? checkDefender(application, source.apiUrl, signal) : withoutLedger;
  const askGraph = () =>
    isStorageUsable ? checkGraph(sources.graph, graph.apiUrl, signal) : graphWithoutLedger;
  const graphFindings = asks.graph ? [...graphToken, ...(await askGraph())] : [];
  return [
    settingsFinding(settings),
    ...stores,
    deadLetters,
    ...defenderToken,
    ...(asks.defender ? await askDefender() : []),
    ...graphFindings,
    ...(asks.defender && asks.graph && isStorageUsable ? [await activeSource(sources)] : []),
    readiness(sourceChoice, graphFindings),
  ];
}

async function activeSource({ current }: Application['sources']): Promise<Finding> {
  const state = await current();
  const detail =
    state.mode === 'graph'
      ? `graph since ${state.since.toISOString()}, because Defender is gone: ${state.detail}`
      : 'defender';
  return ok('source', detail);
}

/** What is wrong with the settings; then nothing else can be checked. */
export function settingsFindings(error: SettingsError): Finding[] {
  return error.problems.map(({ setting, message }) =>
    problem(`setting ${setting}`, message, 'Correct it; the app does not start so.'),
  );
}

function settingsFinding({ storage, source, graph, sourceChoice }: Settings): Finding {
  const account =
    storage.kind === 'identity' ? `${storage.queueServiceUri} by identity` : 'a connection string';
  const apis = {
    defender: `Defender: ${source.apiUrl}`,
    graph: `Graph: ${graph.apiUrl}`,
    auto: `Defender: ${source.apiUrl}, then Graph: ${graph.apiUrl}`,
  }[sourceChoice];
  return ok('settings', `valid; storage: ${account}; ${apis}`);
}
