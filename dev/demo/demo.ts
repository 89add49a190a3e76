import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { relative } from 'node:path';
import { styleText } from 'node:util';
import { readSettings } from '#shared/config/settings.ts';
import type { SourceChoice } from '#shared/config/sourceSettings.ts';
import { columns, counted } from '#shared/text.ts';
import { serveApiPage } from '../openapi/apiPageServer.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { startTenantStack } from '../stack/tenantStack.ts';
import { createHostLog } from './hostLog.ts';
import { runSamples, SPARE_ALERTS } from './sampleRun.ts';
import { createScreen } from './screen.ts';
import { readStackFile, writeStackFile } from './stackFile.ts';

/** What a person may ask of the demo. */
export interface DemoOptions {
  /** Alerts beyond the samples. */
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
 * Runs the demo from start to end.
 * @param interrupted Aborts when the person has had enough.
 * @returns The exit code: 0 when all of the samples became final, or the person ended a demo that serves.
 * @throws Error in words for a person when something cannot be started.
 */
export async function runDemo(
  options: DemoOptions,
  output: NodeJS.WriteStream,
  interrupted: AbortSignal,
): Promise<number> {
  const { stackFile } = options;
  const other = readStackFile(stackFile);
  if (other !== undefined) {
    throw new Error(
      `A demo runs already, as process ${other.pid}. Use it with "npm run enrich -- <alertId>", or end it ` +
        'with Ctrl-C where it runs and start again.',
    );
  }
  const screen = createScreen(output);
  const log = createHostLog(screen.note);
  screen.print(['Starting storage emulator, Defender simulator and functions ...']);
  const stack = await startServices(options);
  try {
    const host = await stack.startHost({ onLine: log.hear });
    const ended = new AbortController();
    void host.ended.then(() => ended.abort());
    const stop = AbortSignal.any([interrupted, ended.signal]);
    const serves = output.isTTY && !options.once;
    try {
      writeStackFile(stackFile, { pid: process.pid, hostUrl: host.url, settings: stack.settings });
      screen.print([...introduction(options), '']);
      const open = await runSamples(options.backlog, { stack, screen, log, stop });
      if (open === 0 && serves && !stop.aborted) {
        const page = await serveApiPage(host.url);
        screen.print(['', ...guide(stack, host.url, page.url, stackFile), '']);
        log.showEvents();
        await once(stop, 'abort');
        page.close();
      }
      if (ended.signal.aborted) {
        screen.print([styleText('red', 'The functions ended by themselves.')]);
        return 1;
      }
      if (interrupted.aborted) {
        screen.print(['Stopping: work in hand is finished first ...']);
      }
      return open === 0 || serves ? 0 : 1;
    } finally {
      rmSync(stackFile, { force: true });
      await host.stop();
    }
  } finally {
    await stack.stop();
  }
}

/**
 * Shares of the simulator's answers that `--faults` spoils. No 429s: the app would rightly take them for the quota and
 * slow down for minutes.
 */
const FAULT_RATES = { 'http-503': 0.05, reset: 0.05, truncated: 0.05, html: 0.05, 'not-found': 0.05 };

/** Storage emulator and simulator; of several tenants, the last one has not given its consent. */
async function startServices({ backlog, faults, source, tenants }: DemoOptions): Promise<Stack> {
  const options = {
    // A call takes a moment, as it does in the real service.
    simulator: { latency: { least: 50, most: 250 } },
    settings: { AZURE_FUNCTIONS_ENVIRONMENT: 'Development', ...SHORT_DELAYS, ENRICHMENT_SOURCE: source },
  };
  const customers = Array.from({ length: tenants - 1 }, () => ({}));
  const stack = await (customers.length > 0
    ? startTenantStack({ ...options, tenants: customers })
    : startStack(options));
  const { control } = stack.simulator;
  if (faults) {
    control.setFaultRates(FAULT_RATES);
  }
  if (backlog > 0) {
    // An outbreak is looked up by lists, for which Defender has a role of its own.
    control.grantRoles(['Alert.Read.All']);
  }
  control.tenants.slice(1).at(-1)?.setSignIn('no-consent');
  return stack;
}

/** What a person is about to see. */
function introduction({ backlog, faults, tenants }: DemoOptions): string[] {
  return [
    'Alerts go through a real queue, a token request, the API, a table row and an output message.',
    `Some are unknown to Defender: they are asked for again after ${SHORT_DELAYS.NOT_FOUND_RETRIES.replaceAll(',', ', ')} (in production 30s, 2m, 10m).`,
    backlog > 0 &&
      `An outbreak of ${counted(backlog, 'alert')} comes with them, and Defender permits 100 calls a minute.`,
    tenants > 1 &&
      `They are those of ${tenants} tenants, each with a quota of its own; the last one gives its consent late.`,
    faults && 'Some answers of the simulator are spoiled: each of several faults hits 5 % of them.',
  ].filter((line) => line !== false);
}

/** What a person can do with a demo that serves, and where things are. */
function guide(
  { settings, simulator }: Stack,
  hostUrl: string,
  pageUrl: string,
  stackFile: string,
): string[] {
  const { queues, tables } = readSettings(settings);
  const [first, ...others] = simulator.control.alertIds(SPARE_ALERTS);
  const places = [
    ['storage', `connection string: AlertsStorage in ${relative('.', stackFile)}`],
    ['queues', `${queues.alerts} (in), ${queues.enrichments} (out), ${queues.poison} (dead letters)`],
    ['tables', `${tables.enrichments}, ${tables.state}`],
    ['http', `${hostUrl}/api: enrichments, enrichments/{alertId}, quota, health, live`],
    ['page', `${pageUrl}: the HTTP API in a browser, to read and to try`],
    ['simulator', `${simulator.apiUrl}, and what it served: ${simulator.controlUrl}/report`],
  ];
  return [
    styleText('bold', 'Try it, in another terminal'),
    `  npm run enrich -- ${first}`,
    '  Defender knows these too:',
    ...others.map((alertId) => `    ${alertId}`),
    '  Or by HTTP, with the summary for people as the answer:',
    `    curl -H 'Accept: text/markdown' -d ${first} -H 'Content-Type: text/plain' '${hostUrl}/api/enrichments?wait=30'`,
    '',
    styleText('bold', 'Where things are, until Ctrl-C ends it all'),
    ...columns(places).map((line) => `  ${line}`),
  ];
}
