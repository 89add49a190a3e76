import type { Application } from '#shared/application.ts';
import type { SettingsError } from '#shared/config/setting.ts';
import type { Settings } from '#shared/config/settings.ts';
import type { StorageClients } from '#shared/storage/storageClients.ts';
import { checkDefender, withoutLedger } from './checkDefender.ts';
import { checkDeadLetters, checkQueue, checkTable } from './checkStorage.ts';
import { checkToken } from './checkToken.ts';
import { type Finding, ok, problem } from './finding.ts';

/** Longer than a worker may wait for its turn in the quota, and for Defender's answer. */
const DEADLINE_MS = 100_000;
const STORAGE_DEADLINE_MS = 20_000;

export interface CheckDeps {
  settings: Settings;
  application: Pick<Application, 'reportQuota' | 'defender'>;
  /** They try once: the answer of now is what is wanted. */
  storage: StorageClients;
  now: () => Date;
}

/** What an operator wants to know about a deployment. Changes nothing, and costs one call to Defender at most. */
export async function check({ settings, application, storage, now }: CheckDeps): Promise<Finding[]> {
  const { queues, tables, source, polling } = settings;
  const storageSignal = AbortSignal.timeout(STORAGE_DEADLINE_MS);
  const [stores, deadLetters, token] = await Promise.all([
    Promise.all([
      ...[queues.alerts, queues.poison, queues.enrichments].map((name) =>
        checkQueue(storage.queue(name), settings.storage, storageSignal),
      ),
      ...[tables.enrichments, tables.state].map((name) =>
        checkTable(storage.table(name), settings.storage, storageSignal),
      ),
    ]),
    checkDeadLetters(storage.queue(queues.poison), now(), storageSignal),
    checkToken(application.defender.tokens, source.tokenScope, { polls: polling.schedule !== undefined }),
  ]);
  const isStorageUsable = stores.every(({ status }) => status === 'ok');
  const defender = isStorageUsable
    ? await checkDefender(application, source.apiUrl, AbortSignal.timeout(DEADLINE_MS))
    : withoutLedger;
  return [settingsFinding(settings), ...stores, deadLetters, ...token, ...defender];
}

/** What is wrong with the settings; then nothing else can be checked. */
export function settingsFindings(error: SettingsError): Finding[] {
  return error.problems.map(({ setting, message }) =>
    problem(`setting ${setting}`, message, 'Correct it; the app does not start so.'),
  );
}

function settingsFinding({ storage, source }: Settings): Finding {
  const account =
    storage.kind === 'identity' ? `${storage.queueServiceUri} by identity` : 'a connection string';
  return ok('settings', `valid; storage: ${account}; Defender: ${source.apiUrl}`);
}
