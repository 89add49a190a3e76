import { EventEmitter, once } from 'node:events';
import { parseArgs, styleText } from 'node:util';
import { readSettings, settingsCatalogue } from '#shared/config/settings.ts';
import { type SourceChoice, sourceChoices } from '#shared/config/sourceSettings.ts';
import { quotaAnswerSchema } from '#shared/http/contract.ts';
import { createEnrichmentTable } from '#shared/storage/enrichmentTable.ts';
import { createStorageClients } from '#shared/storage/storageClients.ts';
import { appSettings } from '../stack/appSettings.ts';
import { startAzurite } from '../stack/azurite.ts';
import { type HostProcess, startHostProcess } from '../stack/hostProcess.ts';
import { type SimulatorProcess, startSimulatorProcess } from '../stack/simulatorProcess.ts';
import { describeHostLine, type HostLine, readHostLine } from './hostLines.ts';
import { createProgressView } from './progressView.ts';
import { guide, introduction, readOutcomes, report } from './report.ts';
import {
  createBacklog,
  createSamples,
  KNOWN_ALERTS_IN_SAMPLES,
  type SentSample,
  submitSamples,
} from './samples.ts';
import { DEFAULT_STACK_FILE, readStackFile, removeStackFile, writeStackFile } from './stackFile.ts';
import { consentLines, createCustomerSamples, createDemoTenants } from './tenants.ts';
import { createSimulatorClient, type WatchEnd, watchSample } from './watchSample.ts';

export const START_USAGE = `Usage: npm start -- [options]

  --backlog <number>   submit that many more alerts, as an outbreak does: they are looked up by lists
  --faults             let the simulator spoil 5 % of its answers with each of several faults
  --source <source>    where devices come from: defender, graph or auto; defender when left out
  --tenants <number>   serve that many tenants; the last one gives its consent late
  --once               end when every alert of the sample is final
  --stack-file <path>  write where everything is to this file instead of .local/stack.json
  --help               print this`;

/** What a person may ask of the demo. */
export interface StartOptions {
  /** Alerts beyond the sample. */
  backlog: number;
  faults: boolean;
  source: SourceChoice;
  /** With the home tenant. */
  tenants: number;
  once: boolean;
  stackFile: string;
  help: boolean;
}

const MOST_TENANTS = 20;
/** More would take the emulator an hour. */
const LARGEST_BACKLOG = 100_000;

/** @throws Error that names what is wrong on the command line. */
export function parseStartOptions(commandLine: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...commandLine],
    options: {
      backlog: { type: 'string', default: '0' },
      faults: { type: 'boolean', default: false },
      source: { type: 'string', default: 'defender' },
      tenants: { type: 'string', default: '1' },
      once: { type: 'boolean', default: false },
      'stack-file': { type: 'string', default: DEFAULT_STACK_FILE },
      help: { type: 'boolean', default: false },
    },
  });
  const { backlog, source: chosen, tenants, 'stack-file': stackFile, ...flags } = values;
  if (!/^[1-9]\d?$/.test(tenants) || Number(tenants) > MOST_TENANTS) {
    throw new Error(`--tenants is "${tenants}". Give a whole number from 1 to ${MOST_TENANTS}, e.g. 3.`);
  }
  if (!/^\d+$/.test(backlog) || Number(backlog) > LARGEST_BACKLOG) {
    throw new Error(`--backlog is "${backlog}". Give a whole number from 0 to ${LARGEST_BACKLOG}, e.g. 150.`);
  }
  const source = sourceChoices.find((choice) => choice === chosen);
  if (source === undefined) {
    throw new Error(`--source is "${chosen}". Give ${sourceChoices.join(', ')}.`);
  }
  return { ...flags, backlog: Number(backlog), tenants: Number(tenants), source, stackFile };
}

/** Settings that make an unknown alert final within seconds instead of a quarter of an hour. */
export const SHORT_DELAYS = { NOT_FOUND_RETRIES: '1s,2s,4s', RETRY_BASE_DELAY: '1s' };

const ROLES_WITH_LISTS = 'Machine.Read.All,Alert.Read.All,SecurityAlert.Read.All,ThreatHunting.Read.All';

/** Everything that the demo runs, each in a process of its own. */
export interface DemoStack {
  /** The settings by which the app finds storage and simulator. */
  settings: Record<string, string>;
  simulator: SimulatorProcess;
  host: HostProcess;
  /** Ends everything; the host first, which finishes what it has in hand. */
  stop(): Promise<void>;
}

/**
 * @param known How many alerts the simulator knows, and whether the app has the role for lists of them.
 * @param source Where devices come from.
 * @param onHostLine Hears each line that the host prints.
 * @param tenantCount With the home tenant.
 */
export async function startDemoStack(
  known: { alerts: number; isOutbreak?: boolean },
  source: SourceChoice,
  onHostLine: (line: string) => void,
  tenantCount = 1,
): Promise<DemoStack> {
  const tenants = tenantCount > 1 ? await createDemoTenants(tenantCount) : undefined;
  const [azurite, simulator] = await Promise.all([
    startAzurite(),
    // A call takes a moment, as it does in the real service.
    startSimulatorProcess([
      ...['--alerts', String(known.alerts), '--latency', '50ms..250ms'],
      ...(known.isOutbreak ? ['--roles', ROLES_WITH_LISTS] : []),
      ...(tenants?.commandLine ?? []),
    ]),
  ]);
  const settings = {
    AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
    ...SHORT_DELAYS,
    ENRICHMENT_SOURCE: source,
    ...appSettings(azurite, simulator),
    ...(await tenants?.connect(azurite, simulator)),
  };
  const host = await startHostProcess({ settings: { ...NOTHING_SET, ...settings }, onLine: onHostLine });
  return {
    settings,
    simulator,
    host,
    async stop() {
      await host.stop();
      await Promise.all([simulator.stop(), azurite.stop(), tenants?.remove()]);
    },
  };
}

/** Keeps a local.settings.json, which the host reads, from steering the demo elsewhere. */
const NOTHING_SET: Record<string, string> = Object.fromEntries(
  [...settingsCatalogue.keys()].flatMap((name) => [
    [name, ''],
    [`AzureWebJobs${name}`, ''],
  ]),
);

/**
 * Shares of the simulator's answers that `--faults` spoils. No 429s: the app would rightly take them for the quota and
 * slow down for minutes.
 */
const FAULT_RATES = { 'http-503': 0.05, reset: 0.05, truncated: 0.05, html: 0.05, 'not-found': 0.05 };

/** Known alerts that are left for a person to try. */
const SPARE_ALERTS = 4;

/** The width of tables where there is no terminal. */
const USUAL_WIDTH = 160;

type HostLines = EventEmitter<{ line: [HostLine] }>;

/**
 * Runs the demo from start to end.
 * @param interrupted Aborts when the person has had enough.
 * @returns The exit code: 0 when all of the sample became final and adds up, or the person ended a demo that serves.
 * @throws Error in words for a person when something cannot be started.
 */
export async function runDemo(
  options: StartOptions,
  output: NodeJS.WriteStream,
  interrupted: AbortSignal,
): Promise<number> {
  refuseSecondDemo(options.stackFile);
  output.write('Starting storage emulator, Defender simulator and functions ...\n');
  const hostLines: HostLines = new EventEmitter();
  const stack = await startDemoStack(
    { alerts: KNOWN_ALERTS_IN_SAMPLES + SPARE_ALERTS, isOutbreak: options.backlog > 0 },
    options.source,
    (line) => hostLines.emit('line', readHostLine(line)),
    options.tenants,
  );
  try {
    writeStackFile(options.stackFile, addressesOf(stack));
    return await showDemo(stack, hostLines, options, output, interrupted);
  } finally {
    removeStackFile(options.stackFile);
    await stack.stop();
  }
}

function refuseSecondDemo(stackFile: string): void {
  const reading = readStackFile(stackFile);
  if (reading.kind !== 'running') {
    return;
  }
  throw new Error(
    `A demo runs already, as process ${reading.stack.pid}. Use it with "npm run enrich -- <alertId>", or end it ` +
      'with Ctrl-C where it runs and start again.',
  );
}

function addressesOf({ settings, simulator, host }: DemoStack) {
  return { pid: process.pid, settings, simulatorUrl: simulator.apiUrl, hostUrl: host.url };
}

async function showDemo(
  stack: DemoStack,
  hostLines: HostLines,
  options: StartOptions,
  output: NodeJS.WriteStream,
  interrupted: AbortSignal,
): Promise<number> {
  const print = (lines: readonly string[]) => output.write(`${lines.join('\n')}\n`);
  const settings = readSettings(stack.settings);
  const clients = createStorageClients(settings.storage);
  const queues = {
    enrichments: clients.queue(settings.queues.enrichments),
    poison: clients.queue(settings.queues.poison),
  };
  const simulator = createSimulatorClient(stack.simulator.controlUrl);
  if (options.faults) {
    await simulator.setFaultRates(FAULT_RATES);
  }
  const known = await simulator.knownAlertIds();
  const spareAlertIds = known.slice(0, SPARE_ALERTS);
  const samples = [
    ...createSamples(known.slice(SPARE_ALERTS), new Date()),
    ...createBacklog(await simulator.raiseAlerts(options.backlog)),
  ];

  const customers = stack.simulator.tenants.slice(1);
  const late = customers.at(-1);
  if (late !== undefined) {
    await simulator.setConsent(late.tenantId, false);
  }
  const ofCustomers = await Promise.all(
    customers.map((customer) => createCustomerSamples(customer, simulator)),
  );

  print([...introduction(options), '']);
  const sent = await submitSamples(clients.queue(settings.queues.alerts), [
    ...samples,
    ...ofCustomers.flat(),
  ]);
  const expectedAt = async () => (options.backlog > 0 ? drainedBy(stack.host.url) : undefined);
  const watched = { queues, simulator, hostLines, hostEnded: stack.host.ended, expectedAt };
  const watch = (part: readonly SentSample[]) =>
    watchSample(part, watched, createProgressView(output), interrupted);
  const isLate = ({ form }: SentSample) => form === late?.name;
  let end = await watch(sent.filter((sample) => !isLate(sample)));
  if (late !== undefined && end.reason === 'final') {
    print(consentLines(late));
    await simulator.setConsent(late.tenantId, true);
    end = joined(end, await watch(sent.filter(isLate)));
  }
  const records = createEnrichmentTable(clients.table(settings.tables.enrichments));
  const outcomes = await readOutcomes(end.results.enrichments.values(), sent, records);
  print(['', ...report(outcomes, end, output.isTTY ? output.columns : USUAL_WIDTH)]);

  const serves = output.isTTY && !options.once;
  if (end.reason === 'interrupted' && serves) {
    return 0;
  }
  if (end.reason !== 'final' || outcomes.disagreements.length > 0) {
    return 1;
  }
  if (!serves) {
    return 0;
  }
  print([
    '',
    ...guide({ stack: addressesOf(stack), stackFile: options.stackFile, names: settings, spareAlertIds }),
    '',
  ]);
  hostLines.on('line', (line) => print(describeHostLine(line, new Date())));
  return serve(stack, interrupted, print);
}

/** What the app itself tells people about its line; nothing while it is too busy to say. */
async function drainedBy(hostUrl: string): Promise<Date | undefined> {
  try {
    const response = await fetch(`${hostUrl}/api/quota`, { signal: AbortSignal.timeout(2_000) });
    const { drainedBy: time } = quotaAnswerSchema.parse(await response.json());
    return time === null ? undefined : new Date(time);
  } catch {
    return undefined;
  }
}

/** Two watches one after the other as one. */
function joined(first: WatchEnd, second: WatchEnd): WatchEnd {
  return {
    ...second,
    results: {
      enrichments: new Map([...first.results.enrichments, ...second.results.enrichments]),
      deadLetters: [...first.results.deadLetters, ...second.results.deadLetters],
    },
  };
}

/** Keeps everything running until the person ends it. */
async function serve(
  { host }: DemoStack,
  interrupted: AbortSignal,
  print: (lines: readonly string[]) => void,
): Promise<number> {
  if (!interrupted.aborted) {
    await Promise.race([once(interrupted, 'abort'), host.ended]);
  }
  if (interrupted.aborted) {
    print(['Stopping: work in hand is finished first ...']);
    return 0;
  }
  print([styleText('red', 'The functions ended by themselves.')]);
  return 1;
}
