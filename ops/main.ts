/** Command line of `npm run ops`: what the operator of a deployment asks and does. */
import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { createApplication } from '#shared/application.ts';
import { keepLocalTrafficFromProxies } from '#shared/config/proxy.ts';
import { SettingsError } from '#shared/config/setting.ts';
import { readSettings } from '#shared/config/settings.ts';
import { ALERT_ID_RULE, isAlertId } from '#shared/intake/submission.ts';
import { createStorageClients } from '#shared/storage/storageClients.ts';
import { CHECK_APP, checkAlert, checkApp } from './app/checkApp.ts';
import { AppError, appAt, appNamed, appOfAzd, type DeployedApp } from './app/deployedApp.ts';
import { check, settingsFindings } from './check/check.ts';
import type { Finding } from './check/finding.ts';
import { findingLines, isAllOk, readyOrNot } from './check/findingsView.ts';
import { type Comparison, compareSources } from './compare/compare.ts';
import { comparisonLines } from './compare/compareView.ts';
import { listDeadLetters, replayDeadLetters, showDeadLetter } from './deadLetters/deadLettersCommand.ts';
import { createPoisonQueue } from './deadLetters/poisonQueue.ts';
import { selectionOf } from './deadLetters/selection.ts';
import { addLocalSettings } from './localSettings.ts';
import { purgeRows } from './purge/purgeCommand.ts';
import { quotaLines } from './quotaView.ts';
import { readAlertStatus } from './status/alertStatus.ts';
import { statusJson, statusLines } from './status/statusView.ts';
import { describeError } from './storageFault.ts';
import { scopeOfTenant } from './tenants/tenantsCommand.ts';
import { tenantsProgram } from './tenants/tenantsProgram.ts';

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
    'says whether settings, storage, token and Defender are as the app needs them; ends with 0 if so. With --app, --azd or --url the app that runs says what its own identity can do',
  )
  .option('--app <name>', 'ask this function app; Azure CLI finds address and key')
  .option('--azd', 'ask the app that azd deployed from this folder')
  .option('--url <address>', 'ask the app at this address, with APP_KEY or APP_TOKEN of the environment')
  .option(
    '--alert [alertId]',
    'also send the app an alert the whole way; an invented one when no ID is given',
  )
  .option(...JSON_OPTION)
  .action(async ({ json, alert, ...options }: CheckOptions) => {
    const app = await findApp(options);
    if (app === undefined && alert !== undefined) {
      throw new AppError('--alert is sent to an app that runs: name it with --app, --azd or --url.');
    }
    const alertId = alert === true ? `check-${randomUUID()}` : alert;
    const findings = app === undefined ? await findingsOfCheck() : await findingsOfApp(app, alertId);
    printFindings(findings, json, app && readyOrNot(findings));
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

program
  .command('purge')
  .description('deletes old rows of alerts and what was kept of their devices; alerts without an answer stay')
  .requiredOption('--older-than <duration>', 'rows that nobody has written for so long, such as 90d')
  .option('--dry-run', 'only say what would be deleted')
  .option(...JSON_OPTION)
  .action(async (options) => {
    const settings = readSettings(process.env);
    const { table } = createStorageClients(settings.storage);
    const isDone = await purgeRows(options, {
      enrichments: table(settings.tables.enrichments),
      state: table(settings.tables.state),
      timing: settings.timing,
      now,
      stream: process.stderr,
      print,
    });
    if (!isDone) {
      process.exitCode = 1;
    }
  });

program.addCommand(tenantsProgram(open, print, printFindings));

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
  const speaksForItself = error instanceof SettingsError || error instanceof AppError;
  console.error(speaksForItself ? error.message : describeError(error));
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

interface CheckOptions {
  app?: string;
  azd?: true;
  url?: string;
  alert?: string | true;
  json?: true;
}

/** The app that is meant; undefined where the settings are to be checked instead. */
async function findApp({ app, azd, url }: CheckOptions): Promise<DeployedApp | undefined> {
  if ([app, azd, url].filter((option) => option !== undefined).length > 1) {
    throw new AppError('Name the app once: with --app, --azd or --url.');
  }
  if (azd) {
    return appOfAzd(process.env);
  }
  if (app !== undefined) {
    return appNamed(app, undefined);
  }
  return url === undefined ? undefined : appAt(url, process.env);
}

async function findingsOfApp(app: DeployedApp, alertId: string | undefined): Promise<Finding[]> {
  const findings = await checkApp(app, CHECK_APP);
  const isThere = findings.length > 1;
  return alertId === undefined || !isThere
    ? findings
    : [...findings, await checkAlert(app, alertIdArgument(alertId), CHECK_APP)];
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

/** @param verdict The last line, where it is another than that of the deployment's check. */
function printFindings(findings: readonly Finding[], json?: boolean, verdict?: string): void {
  if (json) {
    printJson({ ok: isAllOk(findings), findings });
  } else {
    print(...findingLines(findings, verdict));
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
