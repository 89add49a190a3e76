/** Command line of `npm run ops`: what the operator of a deployment asks and does. */
import { Command, InvalidArgumentError } from 'commander';
import { createApplication } from '#shared/application.ts';
import { keepLocalTrafficFromProxies } from '#shared/config/proxy.ts';
import { SettingsError } from '#shared/config/setting.ts';
import { readSettings } from '#shared/config/settings.ts';
import { ALERT_ID_RULE, isAlertId } from '#shared/intake/submission.ts';
import { createStorageClients } from '#shared/storage/storageClients.ts';
import { check, settingsFindings } from './check/check.ts';
import type { Finding } from './check/finding.ts';
import { findingLines, isAllOk } from './check/findingsView.ts';
import { type Comparison, compareSources } from './compare/compare.ts';
import { comparisonLines } from './compare/compareView.ts';
import { listDeadLetters, replayDeadLetters, showDeadLetter } from './deadLetters/deadLettersCommand.ts';
import { createPoisonQueue } from './deadLetters/poisonQueue.ts';
import { selectionOf } from './deadLetters/selection.ts';
import { addLocalSettings } from './localSettings.ts';
import { quotaLines } from './quotaView.ts';
import { readAlertStatus } from './status/alertStatus.ts';
import { statusJson, statusLines } from './status/statusView.ts';
import { describeError } from './storageFault.ts';
import {
  addTenant,
  checkTenant,
  listTenants,
  removeTenant,
  scopeOfTenant,
  setTenantEnabled,
} from './tenants/tenantsCommand.ts';
import { tenantLines } from './tenants/tenantsView.ts';

const JSON_OPTION = ['--json', 'print JSON, for programs'] as const;
const TENANT_OPTION = ['--tenant <tenantId>', "a customer's tenant; the home tenant when left out"] as const;
const now = () => new Date();
/** Several alerts take their turns in the quota one after the other. */
const COMPARE_DEADLINE_MS = 10 * 60_000;

const program = new Command('npm run ops --').description(
  'Asks and acts on the deployment that the settings name: those of the environment, then the Values of ' +
    'local.settings.json in this folder. Without a managed identity at hand it uses your own sign-in.',
);

program
  .command('check')
  .description(
    'says whether settings, storage, token and Defender are as the app needs them; ends with 0 if so',
  )
  .option(...JSON_OPTION)
  .action(async ({ json }) => {
    const findings = await findingsOfCheck();
    printFindings(findings, json);
  });

program
  .command('quota')
  .description('says how much of the quota is left, and what holds calls up')
  .option(...TENANT_OPTION)
  .option(...JSON_OPTION)
  .action(async ({ json, tenant }) => {
    const scope = await scopeOfTenant(tenant, open().application);
    const report = await scope.reportQuota();
    if (json) {
      printJson(report);
    } else {
      print(...quotaLines(report, now()));
    }
  });

program
  .command('status')
  .description('says all that is known about an alert, without a call')
  .argument('<alertId>', 'ID of the alert', alertIdArgument)
  .option(...TENANT_OPTION)
  .option(...JSON_OPTION)
  .action(async (alertId: string, { json, tenant }) => {
    const { application, alerts, poison } = open();
    const { records } = (await scopeOfTenant(tenant, application)).pipeline;
    const status = await readAlertStatus(alertId, { records, alerts, poison, now });
    if (json) {
      printJson(statusJson(status, now()));
    } else {
      print(...statusLines(status, now()));
    }
  });

program
  .command('compare')
  .description('asks Defender and Microsoft Graph about alerts, and says what changes with Graph')
  .argument('<alertId...>', 'IDs of alerts', alertIdsArgument)
  .option(...JSON_OPTION)
  .action(async (alertIds: string[], { json }) => {
    const { each } = open().application.sources;
    const signal = AbortSignal.timeout(COMPARE_DEADLINE_MS);
    const comparisons: Comparison[] = [];
    for (const alertId of alertIds) {
      comparisons.push(await compareSources(alertId, each, signal));
    }
    if (json) {
      printJson(comparisons);
    } else {
      print(...comparisons.flatMap(comparisonLines));
    }
    if (comparisons.some(({ properties }) => properties === undefined)) {
      process.exitCode = 1;
    }
  });

const tenants = program
  .command('tenants')
  .description("adds, checks and removes customers' tenants (docs/tenants.md)");

tenants
  .command('list', { isDefault: true })
  .description('says how each stands: state, quota used, waiting, what is wrong')
  .option(...JSON_OPTION)
  .action(async ({ json }) => {
    const listed = await listTenants(open());
    if (json) {
      printJson(listed);
    } else {
      print(...tenantLines(listed));
    }
  });

tenants
  .command('add')
  .description(
    'writes the row of a tenant, or changes what is named of it; says how its administrator gives consent',
  )
  .argument('<tenantId>', 'its tenant ID')
  .option('--name <name>', 'for people')
  .option('--source <source>', 'in place of ENRICHMENT_SOURCE')
  .option('--geo <geo>', 'in place of DEFENDER_GEO')
  .option('--rate-limits <limits>', 'in place of DEFENDER_RATE_LIMITS')
  .option('--quota-share <share>', 'in place of DEFENDER_QUOTA_SHARE')
  .option('--poll-schedule <schedule>', 'in place of ALERT_POLL_SCHEDULE')
  .option('--poll-severities <list>', 'in place of ALERT_POLL_SEVERITIES')
  .option('--poll-statuses <list>', 'in place of ALERT_POLL_STATUSES')
  .option('--poll-detection-sources <list>', 'in place of ALERT_POLL_DETECTION_SOURCES')
  .option('--reuse-for <duration>', 'in place of REUSE_FOR')
  .option('--callers <ids>', 'application or object IDs of HTTP callers that act for this tenant alone')
  .action(async (tenantId: string, columns) => print(...(await addTenant(tenantId, columns, open()))));

tenants
  .command('check')
  .description('proves sign-in, roles and reach, and names what is missing; ends with 0 if nothing is')
  .argument('<tenantId>', 'its tenant ID')
  .option(...JSON_OPTION)
  .action(async (tenantId: string, { json }) => printFindings(await checkTenant(tenantId, open()), json));

tenants
  .command('enable')
  .description('lets its alerts in again')
  .argument('<tenantId>', 'its tenant ID')
  .action(async (tenantId: string) => print(...(await setTenantEnabled(tenantId, true, open()))));

tenants
  .command('disable')
  .description('keeps its alerts out; they become dead letters')
  .argument('<tenantId>', 'its tenant ID')
  .action(async (tenantId: string) => print(...(await setTenantEnabled(tenantId, false, open()))));

tenants
  .command('remove')
  .description('deletes its row')
  .argument('<tenantId>', 'its tenant ID')
  .action(async (tenantId: string) => print(...(await removeTenant(tenantId, open()))));

const deadLetters = program.command('dead-letters').description('lists, shows and replays dead letters');

deadLetters
  .command('list', { isDefault: true })
  .description('lists all, with reasons and ages')
  .option('--tenant <tenantId>', "those of a customer's tenant")
  .option(...JSON_OPTION)
  .action((options) => listDeadLetters(options, openDeadLetters()));

deadLetters
  .command('show')
  .description('shows all that is known about one')
  .argument('<id>', 'its ID in the list')
  .option(...JSON_OPTION)
  .action((id: string, options) => showDeadLetter(id, options, openDeadLetters()));

deadLetters
  .command('replay')
  .description('puts them into the alerts queue again, as new submissions')
  .option('--all', 'all but those that were no alert')
  .option('--reason <reason>', 'those that died of this')
  .option('--alert <alertId>', 'those of this alert', alertIdArgument)
  .option('--tenant <tenantId>', "those of a customer's tenant")
  .option('--id <id>', 'this one')
  .option('--dry-run', 'only say what would be replayed')
  .action(async (options) => {
    const isDone = await replayDeadLetters(selectionOf(options), options, openDeadLetters());
    if (!isDone) {
      process.exitCode = 1;
    }
  });

try {
  addLocalSettings(process.cwd(), process.env);
  keepLocalTrafficFromProxies(process.env);
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof SettingsError ? error.message : describeError(error));
  process.exitCode = 1;
}

function open() {
  const settings = readSettings(process.env);
  const { queue } = createStorageClients(settings.storage);
  return {
    settings,
    application: createApplication(settings, process.env.IDENTITY_ENDPOINT !== undefined, false),
    alerts: queue(settings.queues.alerts),
    poison: createPoisonQueue(queue(settings.queues.poison)),
  };
}

function openDeadLetters() {
  const { application, alerts, poison } = open();
  return { poison, alerts, outbox: application.pipeline.outbox, now, print };
}

async function findingsOfCheck() {
  try {
    const { settings, application } = open();
    return await check({
      settings,
      application,
      storage: createStorageClients(settings.storage, { tries: 1 }),
      now,
    });
  } catch (error) {
    if (error instanceof SettingsError) {
      return settingsFindings(error);
    }
    throw error;
  }
}

function alertIdArgument(text: string): string {
  if (isAlertId(text)) {
    return text;
  }
  throw new InvalidArgumentError(`${ALERT_ID_RULE}.`);
}

function alertIdsArgument(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), alertIdArgument(text)];
}

function printFindings(findings: readonly Finding[], json: boolean | undefined): void {
  if (json) {
    printJson({ ok: isAllOk(findings), findings });
  } else {
    print(...findingLines(findings));
  }
  if (!isAllOk(findings)) {
    process.exitCode = 1;
  }
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

function print(...lines: string[]): void {
  for (const line of lines) {
    console.log(line);
  }
}
