import {
  type Customer,
  createTenantScope,
  homeTenantOf,
  type ProcessParts,
  RECENT_MS,
  type TenantScope,
} from './applicationTenant.ts';
import type { Settings } from './config/settings.ts';
import { accessProbes } from './health/access.ts';
import {
  checkHealth,
  circuitProbe,
  clockProbe,
  gateProbe,
  type HealthReport,
  queueProbe,
  sourceProbe,
  tableProbe,
} from './health/health.ts';
import { directoryProbe, readTenantStates, type TenantState, tenantsHealth } from './health/tenantStates.ts';
import { createBulkhead } from './pipeline/bulkhead.ts';
import type { ReceiverDeps } from './pipeline/receiveMessage.ts';
import { cached, withinTime } from './promises.ts';
import { createStorageClock } from './quota/storageClock.ts';
import type { SourceEvent } from './sources/auto/autoSource.ts';
import { createTenantTokens } from './sources/tenantToken.ts';
import { createStorageClients, provision } from './storage/storageClients.ts';
import { createTenantsTable } from './storage/tenantsTable.ts';
import { createTenantDirectory } from './tenants/tenantDirectory.ts';
import { createHomeRouter, createTenantRouter, type TenantRouter } from './tenants/tenantRouter.ts';
import { settingsOf, type TenantRows } from './tenants/tenantRow.ts';

/** How long the states of all tenants are reused (ms): reading them costs one or two reads per tenant. */
const RECENT_TENANTS_MS = 30_000;

/** Longest time of a check (ms); then it has failed. Monitors of the app's health give up soon. */
const HEALTH_CHECK_TIMEOUT_MS = 3_000;

/** The parts of the app, put together once a process: those of the home tenant, and the way to those of customers. */
export interface Application extends TenantScope {
  /** The time on the storage service's clock, as far as that is known. */
  now: () => Date;
  /** The home tenant's ID; undefined while it is not known. */
  homeTenant(): Promise<string | undefined>;
  /** Finds the parts of a customer's tenant. */
  tenants: TenantRouter<TenantScope>;
  /** The table of customers' tenants; undefined where the deployment serves its home tenant only. */
  tenantRows: TenantRows | undefined;
  /** What the messages of the input queue go through. */
  receiver: ReceiverDeps<TenantScope>;
  /** Changes of the source that this process has made since they were taken last, for the log. */
  takeSourceEvents(): SourceEvent[];
  /**
   * How the customers' tenants stand, as they did half a minute ago at most; undefined where there is only the home tenant.
   * @throws When the storage service cannot be used.
   */
  recentTenants: (() => Promise<TenantState[]>) | undefined;
  /** Whether alerts can move, as it was a few seconds ago at most. */
  recentHealth(): Promise<HealthReport>;
  /**
   * Creates queues and tables that are missing; does nothing once that has succeeded.
   * @returns What the identity may not create, the first time.
   */
  provisionStorage(): Promise<string[]>;
}

/**
 * Makes the parts of the app from checked settings. Makes no request itself.
 * @param hasIdentityEndpoint Whether a managed-identity endpoint is at hand, as it is in Azure.
 * @param mayOpenCircuit Whether refused look-ups may stop those of the whole app: not for an operator's tool.
 */
export function createApplication(
  settings: Settings,
  hasIdentityEndpoint: boolean,
  mayOpenCircuit = true,
): Application {
  const { queues: queueNames, tables: tableNames } = settings;
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
  const { app } = settings.tenants;
  const tenantsTable = app && clients.table(settings.tenants.table);
  // The table of tenants is the operators': the app only reads it, and without it there are no customers.
  const tables = [enrichments, state];

  // Goes on evenly when the machine's clock is set; how far it is off, the storage service tells.
  const startedAt = Date.now() - performance.now();
  const localNow = () => Math.floor(startedAt + performance.now());
  const clock = createStorageClock(localNow);
  // One clock for all: what the ledger promises and what one process writes, others compare with their own time.
  const now = () => new Date(clock.now());
  let sourceEvents: SourceEvent[] = [];
  const parts: ProcessParts = {
    queues,
    enrichments,
    state,
    clock,
    localNow,
    now,
    random: Math.random,
    hasIdentityEndpoint,
    mayOpenCircuit,
    onSourceChange: (event) => sourceEvents.push(event),
  };
  const home = createTenantScope(settings, parts);
  const homeTenant = () => homeTenantOf(home);
  const tenantRows = tenantsTable && createTenantsTable(tenantsTable, settings);
  const directory = tenantRows && createTenantDirectory(tenantRows.list, localNow);
  const tenants =
    app === undefined || directory === undefined
      ? createHomeRouter(home, homeTenant)
      : createTenantRouter({ home, homeTenant, directory, open: customerOpener(settings, parts, app) });

  const { sources } = home;
  const { defender, graph } = sources;
  const currentLedger = async () => {
    const { mode } = await sources.current();
    const { store } = mode === 'graph' ? graph.quota : defender.quota;
    return (await store.read()).ledger;
  };
  const probes = [
    ...Object.values(queues).map(queueProbe),
    ...tables.map(tableProbe),
    gateProbe(
      () => earliest([defender.quota, graph.quota, graph.hunting].map(({ gate }) => gate.waitingSince())),
      clock.now,
    ),
    ...(home.pollerProbe === undefined ? [] : [home.pollerProbe]),
    ...(directory === undefined ? [] : [directoryProbe(directory.failingSince)]),
    circuitProbe(currentLedger),
    clockProbe(() => clock.now() - localNow()),
    ...accessProbes({
      ...sources,
      choice: settings.sourceChoice,
      polls: settings.polling.schedule !== undefined,
      now,
    }),
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
  async function tenantStates() {
    const { scopes, broken } = await tenants.customers();
    const watched = scopes.flatMap(({ tenant, ...scope }) =>
      tenant === undefined ? [] : [{ ...scope, tenant }],
    );
    return readTenantStates(watched, broken);
  }
  const recentTenants = directory && cached(tenantStates, RECENT_TENANTS_MS, localNow);
  async function health(): Promise<HealthReport> {
    const [report, states] = await Promise.all([
      checkHealth(probes, HEALTH_CHECK_TIMEOUT_MS),
      recentTenants &&
        withinTime<TenantState[] | undefined>(
          recentTenants(),
          HEALTH_CHECK_TIMEOUT_MS,
          () => undefined,
        ).catch(() => undefined),
    ]);
    return { ...report, ...(states && { tenants: tenantsHealth(states) }) };
  }
  const recentHealth = cached(health, RECENT_MS, localNow);

  return {
    ...home,
    now,
    homeTenant,
    tenants,
    tenantRows,
    receiver: { home, route: tenants.route, bulkhead: app && createBulkhead() },
    takeSourceEvents() {
      const events = sourceEvents;
      sourceEvents = [];
      return events;
    },
    recentTenants,
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
        ...tables.map((table) => ({
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

/** Makes the parts of a customer's tenant. Its tokens are kept when they are made anew. */
function customerOpener(
  settings: Settings,
  parts: ProcessParts,
  app: NonNullable<Settings['tenants']['app']>,
): (tenant: Customer['tenant']) => TenantScope {
  const tokens = createTenantTokens(app, parts.hasIdentityEndpoint);
  return (tenant) => {
    const own = settingsOf(settings, tenant);
    if (!own.ok) {
      throw new Error(`The row of the tenant ${tenant.id} was read as sound, and is not: ${own.error}`);
    }
    return createTenantScope(own.value, parts, { tenant, appId: app.appId, tokens });
  };
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
