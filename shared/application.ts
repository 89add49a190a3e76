import { randomUUID } from 'node:crypto';
import { createSources, type Sources } from './applicationSources.ts';
import { longestGapMs } from './config/ncrontab.ts';
import type { Settings } from './config/settings.ts';
import { messageWriter } from './enrichment/outputMessage.ts';
import {
  checkHealth,
  circuitProbe,
  gateProbe,
  type HealthReport,
  pollerProbe,
  queueProbe,
  sourceProbe,
  tableProbe,
} from './health/health.ts';
import { type AlertLookup, createAlertLookup } from './lookup/alertLookup.ts';
import type { PipelineDeps } from './pipeline/enrichSubmission.ts';
import { createSubmit, type Submit } from './pipeline/submitAll.ts';
import { createSubmitUrgent, type SubmitUrgent } from './pipeline/submitUrgent.ts';
import { createPoller, type Poller } from './polling/poller.ts';
import { cached } from './promises.ts';
import type { Ledger } from './quota/ledger.ts';
import { LedgerError } from './quota/ledgerExchange.ts';
import { type QuotaReport, quotaReport } from './quota/quotaReport.ts';
import { createStorageClock } from './quota/storageClock.ts';
import { readTokenClaims } from './sources/accessToken.ts';
import { createEnrichmentTable } from './storage/enrichmentTable.ts';
import { createQueueOutbox } from './storage/queueOutbox.ts';
import { createStorageClients, provision } from './storage/storageClients.ts';
import { errorText, isStorageError, storageErrorText } from './storage/storageError.ts';
import { createWatermarkTable } from './storage/watermarkTable.ts';

/** Callers of the HTTP functions get what was found out so many milliseconds ago at most, so that they load storage little. */
const RECENT_MS = 2_000;
/** A check that takes longer has failed: monitors of the app's health give up soon. */
const HEALTH_CHECK_TIMEOUT_MS = 3_000;

/** The parts of the app, put together once a process. */
export interface Application {
  pipeline: PipelineDeps;
  /** The time on the storage service's clock, as far as that is known. */
  now: () => Date;
  /** Takes submissions into the pipeline. */
  submit: Submit;
  /** The same for a few that somebody waits for: this process works on them at once. */
  submitUrgent: SubmitUrgent;
  /** Says how alerts stand. */
  lookup: AlertLookup;
  /** Finds new alerts; the timer function calls it. */
  poller: Poller;
  /** The sources, and what they speak to their APIs with. Calls of other parts ask the gate first, as the sources do. */
  sources: Sources;
  /** Changes of the source that this process has made since they were taken last, for the log. */
  takeSourceEvents: Sources['takeEvents'];
  /** How the quota stands. @throws When the storage service cannot be used. */
  reportQuota(): Promise<QuotaReport>;
  /** The same of a few seconds ago at most. */
  recentQuota(): Promise<QuotaReport>;
  /** Whether alerts can move, as it was a few seconds ago at most. */
  recentHealth(): Promise<HealthReport>;
  /**
   * Creates queues and tables that are missing; does nothing once that has succeeded.
   * @returns What the identity may not create, the first time.
   */
  provisionStorage(): Promise<string[]>;
}

/**
 * @param hasIdentityEndpoint Whether a managed-identity endpoint is at hand, as it is in Azure.
 * @param mayOpenCircuit Whether refused look-ups may stop those of the whole app: not for an operator's tool.
 */
export function createApplication(
  settings: Settings,
  hasIdentityEndpoint: boolean,
  mayOpenCircuit = true,
): Application {
  const { queues: queueNames, tables: tableNames, source, timing } = settings;
  /** What was created when the app started may be deleted later: then it is created again. */
  let provisioned: Promise<string[]> | undefined;
  const onMissing = () => {
    provisioned = undefined;
  };
  const clients = createStorageClients(settings.storage, { onMissing });
  const queues = {
    alerts: clients.queue(queueNames.alerts),
    poison: clients.queue(queueNames.poison),
    enrichments: clients.queue(queueNames.enrichments),
  };
  const enrichments = clients.table(tableNames.enrichments);
  const state = clients.table(tableNames.state);
  const random = Math.random;

  // Goes on evenly when the machine's clock is set; how far it is off, the storage service tells.
  const startedAt = Date.now() - performance.now();
  const localNow = () => Math.floor(startedAt + performance.now());
  const clock = createStorageClock(localNow);
  // One clock for all: what the ledger promises and what one instance writes, others compare with their own time.
  const now = () => new Date(clock.now());
  const sources = createSources(settings, {
    state,
    clock,
    localNow,
    now,
    random,
    hasIdentityEndpoint,
    mayOpenCircuit,
  });
  const { defender, graph } = sources;
  /** The quota of the API that alerts are looked up in at present. */
  const currentQuota = async () => {
    const { mode } = await sources.current();
    return mode === 'graph' ? graph.quota : defender.quota;
  };

  async function homeTenant(): Promise<string | undefined> {
    if (source.tenantId !== undefined) {
      return source.tenantId;
    }
    // Without a token no call is made either; then the alert waits, and is asked about again.
    const { tokens } = settings.sourceChoice === 'graph' ? graph : defender;
    const token = await tokens.get().catch(() => undefined);
    return token && readTokenClaims(token)?.tenantId;
  }
  const pipeline: PipelineDeps = {
    records: createEnrichmentTable(enrichments),
    source: sources.source,
    outbox: createQueueOutbox(queues, tableNames.enrichments, messageWriter(settings.output)),
    rules: timing,
    message: settings.message,
    now,
    random,
    newClaimKey: randomUUID,
    homeTenant,
    storageFault,
  };
  const { records } = pipeline;
  const submit = createSubmit(pipeline);
  const watermarks = createWatermarkTable(state);
  const poller = createPoller({
    feed: sources.feed,
    watermarks,
    hasRecord: async (alertId) => (await records.read(alertId)) !== undefined,
    submit,
    filter: settings.polling.filter,
    now,
  });

  async function reportQuota(): Promise<QuotaReport> {
    const { store, rules } = await currentQuota();
    const usesHunting = rules === graph.quota.rules;
    const [{ ledger }, { approximateMessagesCount = 0 }, hunting] = await Promise.all([
      store.read(),
      queues.alerts.getProperties(),
      usesHunting ? graph.hunting.store.read() : undefined,
    ]);
    const report = quotaReport(ledger, rules, approximateMessagesCount, clock.now());
    return {
      ...report,
      source: usesHunting ? 'graph' : 'defender',
      ...(hunting && { hunting: huntingReport(hunting.ledger) }),
    };
  }
  function huntingReport(ledger: Ledger) {
    const report = quotaReport(ledger, graph.hunting.rules, 0, clock.now());
    const { windows, rate, pausedUntil, circuit } = report;
    return { windows, rate, pausedUntil, circuit };
  }
  const recentQuota = cached(reportQuota, RECENT_MS, localNow);

  const { schedule } = settings.polling;
  const lastPass = async () => (await watermarks.read()).completedAt;
  let gap: number | undefined;
  const gapMs = () => {
    gap ??= longestGapMs(schedule ?? '', now());
    return gap;
  };
  const probes = [
    ...Object.values(queues).map(queueProbe),
    ...[enrichments, state].map(tableProbe),
    gateProbe(
      () => earliest([defender.quota, graph.quota, graph.hunting].map(({ gate }) => gate.waitingSince())),
      clock.now,
    ),
    ...(schedule === undefined ? [] : [pollerProbe(lastPass, gapMs, now(), clock.now)]),
    circuitProbe(async () => (await (await currentQuota()).store.read()).ledger),
    ...(settings.sourceChoice === 'defender'
      ? []
      : [
          sourceProbe(
            settings.sourceChoice,
            sources.current,
            async () => (await graph.hunting.store.read()).ledger,
          ),
        ]),
  ];
  const recentHealth = cached(() => checkHealth(probes, HEALTH_CHECK_TIMEOUT_MS), RECENT_MS, localNow);

  return {
    pipeline,
    now,
    submit,
    submitUrgent: createSubmitUrgent(pipeline, errorText),
    lookup: createAlertLookup({ records, rules: timing, now, reportQuota: recentQuota }),
    poller,
    sources,
    takeSourceEvents: sources.takeEvents,
    reportQuota,
    recentQuota,
    recentHealth,
    async provisionStorage() {
      if (provisioned !== undefined) {
        await provisioned;
        return [];
      }
      const provisioning = provision([
        ...Object.values(queues).map((queue) => ({
          label: `queue "${queue.name}"`,
          create: () => queue.createIfNotExists(),
          exists: () => queue.exists(),
        })),
        ...[enrichments, state].map((table) => ({
          label: `table "${table.tableName}"`,
          create: () => table.createTable(),
        })),
      ]);
      provisioned = provisioning;
      provisioning.catch(() => {
        if (provisioned === provisioning) {
          provisioned = undefined;
        }
      });
      return provisioning;
    },
  };
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** What is wrong with our own storage, the ledger in it included; undefined for any other error. */
function storageFault(error: unknown): string | undefined {
  if (error instanceof LedgerError) {
    return error.message;
  }
  return isStorageError(error) ? storageErrorText(error) : undefined;
}
