import { EventEmitter, once } from 'node:events';
import { styleText } from 'node:util';
import { readSettings, settingsCatalogue } from '#shared/config/settings.ts';
import type { SourceChoice } from '#shared/config/sourceSettings.ts';
import { createStorageClients } from '#shared/storage/storageClients.ts';
import { counted } from '#shared/text.ts';
import { serveApiPage } from '../openapi/apiPageServer.ts';
import { appSettings } from '../stack/appSettings.ts';
import { startAzurite } from '../stack/azurite.ts';
import { type HostProcess, startHostProcess } from '../stack/hostProcess.ts';
import { type SimulatorProcess, startSimulatorProcess } from '../stack/simulatorProcess.ts';
import {
  createBacklog,
  createSamples,
  KNOWN_ALERTS_IN_SAMPLES,
  type Sample,
  submitSamples,
} from './samples.ts';
import { createSimulatorClient } from './simulatorClient.ts';
import { readStackFile, removeStackFile, writeStackFile } from './stackFile.ts';
import { consentLines, createCustomerSamples, createDemoTenants } from './tenants.ts';
import { createProgressView, describeHostLine, guide, report } from './view.ts';
import { type HostLines, readHostLine, type WatchEnd, watchSample } from './watch.ts';

/** What a person may ask of the demo. */
export interface DemoOptions {
  /** Alerts beyond the sample. */
  backlog: number;
  faults: boolean;
  source: SourceChoice;
  /** With the home tenant. */
  tenants: number;
  once: boolean;
  stackFile: string;
}

/** Settings that make an unknown alert final within seconds instead of a quarter of an hour. */
const SHORT_DELAYS = { NOT_FOUND_RETRIES: '1s,2s,4s', RETRY_BASE_DELAY: '1s' };

/**
 * Shares of the simulator's answers that `--faults` spoils. No 429s: the app would rightly take them for the quota and
 * slow down for minutes.
 */
const FAULT_RATES = { 'http-503': 0.05, reset: 0.05, truncated: 0.05, html: 0.05, 'not-found': 0.05 };

/** Known alerts that are left for a person to try. */
const SPARE_ALERTS = 4;

/** An outbreak is looked up by lists, for which Defender has a role of its own. */
const ROLES_WITH_LISTS = 'Machine.Read.All,Alert.Read.All,SecurityAlert.Read.All,ThreatHunting.Read.All';

/** Everything that the demo runs, each in a process of its own. */
interface DemoStack {
  /** The settings by which the app finds storage and simulator. */
  settings: Record<string, string>;
  simulator: SimulatorProcess;
  host: HostProcess;
  /** Ends everything; the host first, which finishes what it has in hand. */
  stop(): Promise<void>;
}

async function startDemoStack(
  { backlog, source, tenants: tenantCount }: DemoOptions,
  onHostLine: (line: string) => void,
): Promise<DemoStack> {
  const tenants = tenantCount > 1 ? await createDemoTenants(tenantCount) : undefined;
  const alerts = KNOWN_ALERTS_IN_SAMPLES + SPARE_ALERTS;
  const [azurite, simulator] = await Promise.all([
    startAzurite(),
    startSimulatorProcess([
      ...['--alerts', String(alerts)],
      // A call takes a moment, as it does in the real service.
      ...['--latency', '50ms..250ms'],
      ...(backlog > 0 ? ['--roles', ROLES_WITH_LISTS] : []),
      ...(tenants?.commandLine ?? []),
    ]),
  ]);
  const stopServices = () => Promise.all([simulator.stop(), azurite.stop(), tenants?.remove()]);
  try {
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
        await stopServices();
      },
    };
  } catch (error) {
    await stopServices();
    throw error;
  }
}

/** Keeps a local.settings.json, which the host reads, from steering the demo elsewhere. */
const NOTHING_SET: Record<string, string> = {
  ...Object.fromEntries(
    [...settingsCatalogue.keys()].flatMap((name) => [
      [name, ''],
      [`AzureWebJobs${name}`, ''],
    ]),
  ),
  // The identity library takes an empty one for an address.
  AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com',
};

/**
 * Runs the demo from start to end.
 * @param interrupted Aborts when the person has had enough.
 * @returns The exit code: 0 when all of the sample became final, or the person ended a demo that serves.
 * @throws Error in words for a person when something cannot be started.
 */
export async function runDemo(
  options: DemoOptions,
  output: NodeJS.WriteStream,
  interrupted: AbortSignal,
): Promise<number> {
  const reading = readStackFile(options.stackFile);
  if (reading.kind === 'running') {
    throw new Error(
      `A demo runs already, as process ${reading.stack.pid}. Use it with "npm run enrich -- <alertId>", or end it ` +
        'with Ctrl-C where it runs and start again.',
    );
  }
  output.write('Starting storage emulator, Defender simulator and functions ...\n');
  const hostLines: HostLines = new EventEmitter();
  const stack = await startDemoStack(options, (text) => {
    const line = readHostLine(text);
    if (line !== undefined) {
      hostLines.emit('line', line);
    }
  });
  try {
    writeStackFile(options.stackFile, addressesOf(stack));
    return await showDemo(stack, hostLines, options, output, interrupted);
  } finally {
    removeStackFile(options.stackFile);
    await stack.stop();
  }
}

function addressesOf({ settings, simulator, host }: DemoStack) {
  return { pid: process.pid, settings, simulatorUrl: simulator.apiUrl, hostUrl: host.url };
}

async function showDemo(
  stack: DemoStack,
  hostLines: HostLines,
  options: DemoOptions,
  output: NodeJS.WriteStream,
  interrupted: AbortSignal,
): Promise<number> {
  const print = (lines: readonly string[]) => output.write(`${lines.join('\n')}\n`);
  const settings = readSettings(stack.settings);
  const clients = createStorageClients(settings.storage);
  const simulator = createSimulatorClient(stack.simulator.controlUrl);
  if (options.faults) {
    await simulator.setFaultRates(FAULT_RATES);
  }
  const known = await simulator.knownAlertIds();
  const spareAlertIds = known.splice(0, SPARE_ALERTS);
  const samples = [
    ...createSamples(known.splice(0, KNOWN_ALERTS_IN_SAMPLES)),
    ...createBacklog(await simulator.raiseAlerts(options.backlog)),
  ];
  const customers = stack.simulator.tenants.slice(1);
  const late = customers.at(-1);
  if (late !== undefined) {
    await simulator.setConsent(late.tenantId, false);
  }
  for (const customer of customers) {
    samples.push(...(await createCustomerSamples(customer, simulator)));
  }

  print([...introduction(options), '']);
  await submitSamples(clients.queue(settings.queues.alerts), samples);
  const watched = {
    queues: {
      enrichments: clients.queue(settings.queues.enrichments),
      poison: clients.queue(settings.queues.poison),
    },
    ...{ simulator, hostUrl: stack.host.url, hostLines, hostEnded: stack.host.ended },
  };
  const watch = (part: readonly Sample[]) =>
    watchSample(part, watched, createProgressView(output), interrupted);
  const isLate = ({ form }: Sample) => form === late?.name;
  let end = await watch(samples.filter((sample) => !isLate(sample)));
  if (late !== undefined && end.reason === 'final') {
    print(consentLines(late));
    await simulator.setConsent(late.tenantId, true);
    end = joined(end, await watch(samples.filter(isLate)));
  }
  print(['', ...report(end, samples)]);

  const serves = output.isTTY && !options.once;
  if (end.reason !== 'final' || !serves) {
    return end.reason === 'final' || (end.reason === 'interrupted' && serves) ? 0 : 1;
  }
  const page = await serveApiPage(stack.host.url);
  try {
    print(['', ...guide(addressesOf(stack), page.url, options.stackFile, settings, spareAlertIds), '']);
    hostLines.on('line', (line) => print([describeHostLine(line, new Date())]));
    return await serve(stack, interrupted, print);
  } finally {
    await page.close();
  }
}

/** What a person is about to see. */
function introduction({ backlog, faults, tenants }: DemoOptions): string[] {
  return [
    'Alerts go through a real queue, a token request, the API, a table row and an output message.',
    `Some are unknown to Defender: they are asked for again after ${SHORT_DELAYS.NOT_FOUND_RETRIES.replaceAll(',', ', ')} (in production 30s, 2m, 10m).`,
    ...(backlog > 0
      ? [
          `An outbreak of ${counted(backlog, 'alert')} comes with them, and Defender permits 100 calls a minute.`,
        ]
      : []),
    ...(tenants > 1
      ? [
          `They are those of ${tenants} tenants, each with a quota of its own; the last one gives its consent late.`,
        ]
      : []),
    ...(faults
      ? ['Some answers of the simulator are spoiled: each of several faults hits 5 % of them.']
      : []),
  ];
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
