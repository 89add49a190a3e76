import { randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import type { RateLimit } from './config/rateLimits.ts';
import type { Settings } from './config/settings.ts';
import type { CallGate } from './quota/callGate.ts';
import { type AnswerStore, notingAnswers } from './quota/lastAnswer.ts';
import type { LedgerRules } from './quota/ledger.ts';
import type { LedgerStore } from './quota/ledgerExchange.ts';
import { createLedgerGate } from './quota/ledgerGate.ts';
import type { StorageClock } from './quota/storageClock.ts';
import { type AccessTokens, createAccessTokens, tokenRequester } from './sources/accessToken.ts';
import { createAlertIndex } from './sources/alertIndex.ts';
import { createAlertLists } from './sources/alertList.ts';
import { createAutoFeed, createAutoSource, type SourceEvent } from './sources/auto/autoSource.ts';
import type { SourceState } from './sources/auto/sourceState.ts';
import { type BulkActivity, countingBulk } from './sources/bulkActivity.ts';
import { ALERT_ROLES, createDefenderAlertFeed } from './sources/defender/defenderAlertFeed.ts';
import { MOST_MACHINES } from './sources/defender/defenderBulk.ts';
import { createDefenderClient, type DefenderClient } from './sources/defender/defenderClient.ts';
import { createDefenderSource } from './sources/defender/defenderSource.ts';
import { createGraphAlertFeed } from './sources/graph/graphAlertFeed.ts';
import { createGraphClient, type GraphClient } from './sources/graph/graphClient.ts';
import { createGraphSource, MOST_IDS } from './sources/graph/graphSource.ts';
import type { AlertFeed, Source, SourceName } from './sources/source.ts';
import type { TenantTokens } from './sources/tenantToken.ts';
import { createAlertListTable } from './storage/alertListTable.ts';
import { createAnswerTable } from './storage/answerTable.ts';
import { createLedgerTable } from './storage/ledgerTable.ts';
import { createPartTable } from './storage/partTable.ts';
import { createSourceStateTable } from './storage/sourceStateTable.ts';

/** The quota of one API: its ledger, the rules that hold for it, the gate before it, and when the API last answered. */
export interface ApiQuota {
  store: LedgerStore;
  rules: LedgerRules;
  gate: CallGate;
  answers: AnswerStore;
}

/** The sources by the settings, and what they speak to their APIs with. */
export interface Sources {
  source: Source;
  feed: AlertFeed;
  /** Both, whichever is in use: for the operator's comparison. */
  each: Record<SourceName, Source>;
  /** Which one serves now, and since when where that was decided by `auto`. */
  current(): Promise<SourceState>;
  /** What bulk look-ups do at present. */
  bulk: BulkActivity;
  defender: { client: DefenderClient; tokens: AccessTokens; quota: ApiQuota };
  graph: { client: GraphClient; tokens: AccessTokens; quota: ApiQuota; hunting: ApiQuota };
}

export interface SourcesDeps {
  state: TableClient;
  clock: StorageClock;
  localNow: () => number;
  now: () => Date;
  random: () => number;
  hasIdentityEndpoint: boolean;
  /**
   * Whether a refusal may open the circuit, which stops the look-ups of the whole app. Not where an operator asks, whose own
   * sign-in may be refused.
   */
  mayOpenCircuit: boolean;
  /** Hears of each change of the source that this process makes. */
  onSourceChange: (event: SourceEvent) => void;
  /** Set for a customer's tenant; without it the sources are those of the home tenant. */
  customer?: { tenantId: string; appId: string; tokens: TenantTokens } | undefined;
}

/** What tells a customer's rows of the state table from those of others; the home tenant's have nothing before their keys. */
export function keyPrefixOf(tenantId: string | undefined): string {
  return tenantId === undefined ? '' : `${tenantId}:`;
}

/** Alerts a page of Defender's lists behind bulk look-ups, some 6 MB: larger than the poller's, since thousands are wanted. */
const BULK_PAGE = 2_000;

/**
 * How many alerts and devices a call of bulk look-ups carries, for the time that the queue takes. Pages of
 * Defender's list overlap by a tenth, and Graph's by one.
 */
export const BULK_CALLS: Record<SourceName, { alerts: number; devices: number }> = {
  defender: { alerts: BULK_PAGE * 0.9, devices: MOST_MACHINES },
  graph: { alerts: 999, devices: MOST_IDS },
};

/**
 * Where tenants share the workers, one that waits in a worker for a slot keeps others' alerts in the queue: so it comes
 * back for its turn instead, unless the slot is near.
 */
const LONGEST_WAIT_AMONG_TENANTS_MS = 5_000;

/** The longest that a submission waits inside a worker for its slot, the same for all tenants. */
function inProcessWaitOf({ tenants, timing }: Settings): number {
  const { inProcessWaitMs } = timing;
  return tenants.app === undefined
    ? inProcessWaitMs
    : Math.min(inProcessWaitMs, LONGEST_WAIT_AMONG_TENANTS_MS);
}

export function createSources(settings: Settings, deps: SourcesDeps): Sources {
  const { state, clock, localNow, now, random, hasIdentityEndpoint, mayOpenCircuit, customer } = deps;
  const { source: defenderSettings, graph: graphSettings, sourceChoice, bulkLookups, timing } = settings;
  const clientId = customer?.appId ?? defenderSettings.clientId;
  const keyPrefix = keyPrefixOf(customer?.tenantId);
  const inProcessWaitMs = inProcessWaitOf(settings);
  const tokensFor = (scope: string) =>
    customer === undefined
      ? createAccessTokens(tokenRequester(scope, clientId, hasIdentityEndpoint), Date.now)
      : customer.tokens(customer.tenantId, scope);

  function quotaOf(key: string, limits: readonly RateLimit[], share: number): ApiQuota {
    const store = createLedgerTable(state, keyPrefix + key, clock, localNow);
    const rules: LedgerRules = {
      limits: [...limits],
      share,
      inProcessWaitMs,
      probeIntervalMs: timing.retryBaseDelayMs,
    };
    const gate = createLedgerGate({ store, clock, rules, random });
    const observing: CallGate = { ...gate, denied: async () => ({ until: now() }) };
    const answers = createAnswerTable(state, keyPrefix + key);
    // What an operator's own sign-in may do says nothing about the app.
    return { store, rules, gate: mayOpenCircuit ? notingAnswers(gate, answers, now) : observing, answers };
  }

  const defender = {
    client: createDefenderClient(defenderSettings.apiUrl, now),
    tokens: tokensFor(defenderSettings.tokenScope),
    quota: quotaOf(
      quotaKey(defenderSettings.tokenScope, clientId),
      defenderSettings.rateLimits,
      defenderSettings.quotaShare,
    ),
  };
  const graphKey = quotaKey(graphSettings.tokenScope, clientId);
  const graph = {
    client: createGraphClient(graphSettings.apiUrl, now),
    tokens: tokensFor(graphSettings.tokenScope),
    quota: quotaOf(`${graphKey}:alerts`, graphSettings.rateLimits, 1),
    hunting: quotaOf(`${graphKey}:hunting`, graphSettings.huntingRateLimits, 1),
  };

  const common = { random, now, retryBaseDelayMs: timing.retryBaseDelayMs };
  const defenderAccess = { ...defender, gate: defender.quota.gate };
  const feeds = {
    defender: createDefenderAlertFeed({ ...defenderAccess, now }),
    graph: createGraphAlertFeed({ ...graph, gate: graph.quota.gate, now }),
  };
  const parts = createPartTable(state, keyPrefix);
  const { reuseForMs } = timing;
  const lists = {
    defender: createAlertListTable(state, `${keyPrefix}defender-alert-list`),
    graph: createAlertListTable(state, `${keyPrefix}graph-alert-list`),
  };
  const indexOf = (name: SourceName, feed: AlertFeed) =>
    createAlertIndex(createAlertLists({ feed, store: lists[name], now, newId: randomUUID }), now);
  const bulkFeed = createDefenderAlertFeed({
    ...defenderAccess,
    now,
    pageSize: BULK_PAGE,
    onlyWithRoles: ALERT_ROLES,
  });
  const defenderIndex = bulkLookups ? indexOf('defender', bulkFeed) : undefined;
  const bulk = defenderIndex && { index: defenderIndex, machines: parts, reuseForMs };
  const defenderSource = createDefenderSource({ ...common, ...defenderAccess, bulk });
  const graphSource = createGraphSource({
    ...common,
    ...graph,
    gates: { alerts: graph.quota.gate, hunting: graph.hunting.gate },
    parts,
    index: bulkLookups ? indexOf('graph', feeds.graph) : undefined,
    reuseForMs,
  });
  const each = { defender: defenderSource, graph: graphSource };
  const inUse = sourceInUse();
  const { source, activity } = countingBulk(
    inUse.source,
    async () => (await lists[(await inUse.current()).mode].read()).shared,
    now,
  );
  return { ...inUse, source, each, defender, graph, bulk: activity };

  function sourceInUse(): Pick<Sources, 'source' | 'feed' | 'current'> {
    if (sourceChoice !== 'auto') {
      const current = async () => chosen(sourceChoice);
      return { source: each[sourceChoice], feed: feeds[sourceChoice], current };
    }
    const auto = createAutoSource({
      defender: (onSign) => createDefenderSource({ ...common, ...defenderAccess, bulk, onSign }),
      graph: graphSource,
      store: createSourceStateTable(state, keyPrefix),
      onChange: deps.onSourceChange,
      now,
      retryBaseDelayMs: timing.retryBaseDelayMs,
    });
    return { source: auto, feed: createAutoFeed(auto, feeds), current: auto.current };
  }
}

/** The state of a source that a setting has chosen for good. */
function chosen(name: SourceName): SourceState {
  return name === 'defender'
    ? { mode: 'defender', canary: null, provedAt: null, doubt: null }
    : {
        mode: 'graph',
        canary: null,
        since: new Date(0),
        detail: 'ENRICHMENT_SOURCE',
        nextProbeAt: new Date(0),
      };
}

/** Calls are counted for an app and an API; the geo hosts of one API are taken to share the count. */
function quotaKey(tokenScope: string, clientId: string | undefined): string {
  const audience = tokenScope.replace(/^https:\/\//, '').replace(/\/\.default$/, '');
  return `${audience.replace(/[^A-Za-z0-9.-]/g, '-')}:${clientId ?? 'system'}`;
}
