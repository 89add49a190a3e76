import { randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';
import { BULK_CALLS, createSources, keyPrefixOf, type Sources } from './applicationSources.ts';
import { longestGapMs } from './config/ncrontab.ts';
import type { Settings } from './config/settings.ts';
import { messageWriter } from './enrichment/outputMessage.ts';
import { type HealthProbe, pollerProbe } from './health/health.ts';
import { type AlertLookup, createAlertLookup } from './lookup/alertLookup.ts';
import type { PipelineDeps } from './pipeline/enrichSubmission.ts';
import { createSubmit, type Submit } from './pipeline/submitAll.ts';
import { createSubmitUrgent, type SubmitUrgent } from './pipeline/submitUrgent.ts';
import { createPoller, type Poller } from './polling/poller.ts';
import { cached } from './promises.ts';
import { LedgerError } from './quota/ledgerExchange.ts';
import {
  type ApiQuotaReport,
  apiQuotaReport,
  type BulkApi,
  type QuotaReport,
  quotaReport,
} from './quota/quotaReport.ts';
import type { StorageClock } from './quota/storageClock.ts';
import { readTokenClaims } from './sources/accessToken.ts';
import type { SourceEvent } from './sources/auto/autoSource.ts';
import type { TenantTokens } from './sources/tenantToken.ts';
import { createEnrichmentTable, deviceRowKey } from './storage/enrichmentTable.ts';
import { createQueueOutbox } from './storage/queueOutbox.ts';
import { errorText, isStorageError, storageErrorText } from './storage/storageError.ts';
import { createWatermarkTable } from './storage/watermarkTable.ts';
import type { Tenant } from './tenants/tenantRow.ts';

/** What all tenants of a process share. */
export interface ProcessParts {
  queues: Record<'alerts' | 'poison' | 'enrichments', QueueClient>;
  enrichments: TableClient;
  state: TableClient;
  clock: StorageClock;
  localNow: () => number;
  /** The time on the storage service's clock, as far as that is known. */
  now: () => Date;
  random: () => number;
  hasIdentityEndpoint: boolean;
  mayOpenCircuit: boolean;
  onSourceChange: (event: SourceEvent) => void;
}

/** A customer's tenant, and how the app signs in to it. */
export interface Customer {
  tenant: Tenant;
  appId: string;
  tokens: TenantTokens;
}

/** All parts that deal with the alerts of one tenant. */
export interface TenantScope {
  /** Undefined for the home tenant. */
  tenant: Tenant | undefined;
  /** The settings that hold for it. */
  settings: Settings;
  pipeline: PipelineDeps;
  /** Takes submissions into the pipeline. */
  submit: Submit;
  /** Takes a few submissions that a caller waits for: this process works on them at once. */
  submitUrgent: SubmitUrgent;
  /** Says how alerts stand. */
  lookup: AlertLookup;
  /** Finds new alerts; the timer function calls it. */
  poller: Poller;
  /** Whether the poller comes to the end of its passes; undefined where there is no schedule. */
  pollerProbe: HealthProbe | undefined;
  /** The sources, and what they speak to their APIs with. Calls of other parts ask the gate first, as the sources do. */
  sources: Sources;
  /** How the quota of the API stands that serves at present. @throws When the storage service cannot be used. */
  readQuota(): Promise<ApiQuotaReport>;
  /**
   * The quota, with how many messages are in the queue that all tenants share, and when they can be done.
   * @throws When the storage service cannot be used.
   */
  reportQuota(): Promise<QuotaReport>;
  /** `reportQuota` of a few seconds ago at most. */
  recentQuota(): Promise<QuotaReport>;
}

/** How long what HTTP callers ask is reused (ms), so that they load storage little. */
export const RECENT_MS = 2_000;

/** How long after a list more are expected (ms), for the time at which the queue can be done. */
const RECENT_LIST_MS = 10 * 60_000;

/**
 * Makes the parts of one tenant. What must outlive them is in storage, under keys of the tenant's own.
 * @param settings Those that hold for the tenant.
 * @param customer Undefined for the home tenant.
 */
export function createTenantScope(settings: Settings, parts: ProcessParts, customer?: Customer): TenantScope {
  const { queues, enrichments, state, clock, localNow, now, random } = parts;
  const { timing } = settings;
  const tenantId = customer?.tenant.id;
  const sources = createSources(settings, {
    ...parts,
    customer: customer && { tenantId: customer.tenant.id, appId: customer.appId, tokens: customer.tokens },
    onSourceChange: (event) => parts.onSourceChange(tenantId === undefined ? event : { ...event, tenantId }),
  });
  const { defender, graph } = sources;
  const records = createEnrichmentTable(enrichments, tenantId);
  const rows = { table: enrichments.tableName, rowKey: deviceRowKey(tenantId) };
  const pipeline: PipelineDeps = {
    records,
    source: sources.source,
    outbox: createQueueOutbox(queues, rows, messageWriter(settings.output)),
    rules: timing,
    message: settings.message,
    now,
    random,
    newClaimKey: randomUUID,
    storageFault,
  };
  const submit = createSubmit(pipeline);
  const watermarks = createWatermarkTable(state, keyPrefixOf(tenantId));
  const poller = createPoller({
    feed: sources.feed,
    watermarks,
    hasRecord: async (alertId) => (await records.read(alertId)) !== undefined,
    submit,
    filter: settings.polling.filter,
    now,
    tenantId,
  });

  async function currentQuota() {
    const { mode } = await sources.current();
    const { store, rules } = mode === 'graph' ? graph.quota : defender.quota;
    return { mode, rules, ...(await store.read()) };
  }
  async function readQuota(): Promise<ApiQuotaReport> {
    const { ledger, rules } = await currentQuota();
    return apiQuotaReport(ledger, rules, clock.now());
  }
  /** Any process tells by the list that all share. Where no role allows lists there is none. */
  async function areListsMade(): Promise<boolean> {
    const madeAt = settings.bulkLookups ? await sources.bulk.lastListAt() : undefined;
    return madeAt !== undefined && now().getTime() - madeAt.getTime() < RECENT_LIST_MS;
  }
  async function reportQuota(): Promise<QuotaReport> {
    const [{ mode, ledger, rules }, { approximateMessagesCount = 0 }] = await Promise.all([
      currentQuota(),
      queues.alerts.getProperties(),
    ]);
    const hunting = mode === 'graph' ? await graph.hunting.store.read() : undefined;
    const { alerts, devices } = BULK_CALLS[mode];
    const apis: BulkApi[] =
      hunting === undefined
        ? [{ ledger, rules, alertsPerCall: [alerts, devices] }]
        : [
            { ledger, rules, alertsPerCall: [alerts] },
            { ledger: hunting.ledger, rules: graph.hunting.rules, alertsPerCall: [devices] },
          ];
    const lists = (await areListsMade()) ? apis : undefined;
    return {
      ...quotaReport(ledger, rules, approximateMessagesCount, clock.now(), lists),
      source: mode,
      ...(hunting && { hunting: apiQuotaReport(hunting.ledger, graph.hunting.rules, clock.now()) }),
    };
  }
  const recentQuota = cached(reportQuota, RECENT_MS, localNow);
  const lookup = createAlertLookup({ records, rules: timing, now, reportQuota: recentQuota, tenantId });
  const { schedule } = settings.polling;
  const lastPass = async () => (await watermarks.read()).completedAt;
  return {
    tenant: customer?.tenant,
    settings,
    pipeline,
    submit,
    submitUrgent: createSubmitUrgent(pipeline, errorText, tenantId),
    lookup,
    poller,
    pollerProbe:
      schedule === undefined ? undefined : pollerProbe(lastPass, gapOf(schedule, now), now(), clock.now),
    sources,
    readQuota,
    reportQuota,
    recentQuota,
  };
}

const gaps = new Map<string, number>();

/** The longest gap of a schedule, which takes a while to find: for all tenants that have the same it is found once. */
function gapOf(schedule: string, now: () => Date): () => number {
  return () => {
    const gapMs = gaps.get(schedule) ?? longestGapMs(schedule, now());
    gaps.set(schedule, gapMs);
    return gapMs;
  };
}

/** The home tenant's ID, by the setting or by a token of its own; undefined while there is none. */
export async function homeTenantOf({ settings, sources }: TenantScope): Promise<string | undefined> {
  if (settings.source.tenantId !== undefined) {
    return settings.source.tenantId;
  }
  // Without a token no call is made either; then the alert waits, and is asked about again.
  const { tokens } = settings.sourceChoice === 'graph' ? sources.graph : sources.defender;
  const token = await tokens.get().catch(() => undefined);
  return token && readTokenClaims(token)?.tenantId;
}

/** What is wrong with our own storage, the ledger in it included; undefined for any other error. */
function storageFault(error: unknown): string | undefined {
  if (error instanceof LedgerError) {
    return error.message;
  }
  return isStorageError(error) ? storageErrorText(error) : undefined;
}
