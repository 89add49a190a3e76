/** The benchmarks: `npm run bench -- [section...]` prints a table a section and writes its figures as JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { columns } from '#shared/text.ts';
import { measureBill } from './bill/bill.ts';
import { billTable } from './bill/report.ts';
import { scenarios as callsScenarios, measureCalls } from './calls/calls.ts';
import { callsTable } from './calls/report.ts';
import { plan as chaosPlan, plans as chaosPlans } from './chaos/plan.ts';
import { soakTable as chaosTable } from './chaos/report.ts';
import { soak as runChaos } from './chaos/soak.ts';
import { plan as idlePlan, measureIdle } from './idle/idle.ts';
import { idleTable } from './idle/report.ts';
import { intakeTable, measureIntake } from './intake/intake.ts';
import { measureMemory, plan as memoryPlan } from './memory/memory.ts';
import { memoryTable } from './memory/report.ts';
import { measureNormalize, plan as normalizePlan } from './normalize/normalize.ts';
import { normalizeTable } from './normalize/report.ts';
import { measureOutbreak, scenarios as outbreaks } from './outbreak/outbreak.ts';
import { outbreakTable } from './outbreak/report.ts';
import { measurePath, plan as pathPlan } from './path/path.ts';
import { pathTable } from './path/report.ts';
import { quotaTable } from './quota/report.ts';
import { run } from './quota/scenario.ts';
import { brief, scenarios } from './quota/scenarios.ts';
import { soakAll, soakTable } from './soak/soak.ts';
import { measureStarts } from './start/measure.ts';
import { startTable } from './start/report.ts';
import { tenantsTable } from './tenants/report.ts';
import { scenarios as tenantsScenarios } from './tenants/scenarios.ts';
import { measureTenants } from './tenants/tenants.ts';

interface Section {
  what: string;
  measure(only: string | undefined): Promise<{ head: string[]; rows: string[][]; figures: unknown }>;
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
/** Whether all sections run, which should not take longer than a coffee break. */
const isWhole = positionals.length === 0;

const sections: Record<string, Section> = {
  start: {
    what: 'process start to first invocation, and to the first request of the appStart hooks',
    async measure() {
      const starts = await measureStarts(showProgress);
      showProgress('');
      return { ...startTable(starts), figures: starts };
    },
  },
  path: {
    what: 'alerts through one process without a rate limit; the floor only asks storage and Defender for the same',
    async measure() {
      const result = await measurePath(pathPlan, showProgress);
      showProgress('');
      return { ...pathTable(result), figures: result };
    },
  },
  calls: {
    what: 'API calls for streams in which alerts come again: 2 hosts',
    async measure() {
      const measurements = [];
      for (const scenario of callsScenarios) {
        showProgress(`${scenario.app}, ${scenario.repeats}`);
        measurements.push(await measureCalls(scenario));
      }
      showProgress('');
      return { ...callsTable(measurements), figures: measurements };
    },
  },
  outbreak: {
    what: 'thousands of alerts on a thousand devices at the real limits: 1, 2 and 4 hosts, each source',
    async measure(only) {
      const measurements = [];
      const chosen = outbreaks.filter(({ source, hosts }) => `${source} ${hosts}`.includes(only ?? ''));
      for (const scenario of isWhole ? outbreaks.slice(0, 1) : chosen) {
        showProgress(`${scenario.source}, ${scenario.hosts}`);
        measurements.push(await measureOutbreak(scenario));
      }
      showProgress('');
      return { ...outbreakTable(measurements), figures: measurements };
    },
  },
  quota: {
    what: 'a backlog under both limits: 4 hosts, one quota',
    async measure(only) {
      const measurements = [];
      const chosen = isWhole ? [brief] : scenarios.filter(({ name }) => name.includes(only ?? ''));
      for (const scenario of chosen) {
        measurements.push(await run(scenario, (progress) => showProgress(`${scenario.name}: ${progress}`)));
        showProgress('');
      }
      return { ...quotaTable(measurements), figures: measurements };
    },
  },
  tenants: {
    what: 'backlogs of several tenants, a quota each: 4 hosts; then new alerts of one beside a backlog of another',
    async measure(only) {
      const measurements = [];
      const chosen = tenantsScenarios.filter(({ name }) => name.includes(only ?? ''));
      for (const scenario of isWhole ? tenantsScenarios.slice(1, 2) : chosen) {
        measurements.push(
          await measureTenants(scenario, (progress) => showProgress(`${scenario.name}: ${progress}`)),
        );
        showProgress('');
      }
      return { ...tenantsTable(measurements), figures: measurements };
    },
  },
  soak: {
    what: 'twenty minutes at the real limits in virtual time: bursts, idle times and random 429s',
    async measure() {
      const soaks = await soakAll(showProgress);
      showProgress('');
      return { ...soakTable(soaks), figures: soaks };
    },
  },
  chaos: {
    what: `soaks of ${chaosPlan.hosts} hosts that are killed one after another, with faults and a restart of storage`,
    async measure(only) {
      const results = [];
      const chosen = isWhole ? [chaosPlan] : chaosPlans.filter(({ name }) => name.includes(only ?? ''));
      for (const plan of chosen) {
        results.push(await runChaos(plan, showProgress));
        showProgress('');
      }
      return { ...chaosTable(results), figures: results };
    },
  },
  idle: {
    what: 'from the input queue to the output queue when nothing else is to do',
    async measure() {
      const measurement = await measureIdle(idlePlan, showProgress);
      showProgress('');
      return { ...idleTable(measurement), figures: measurement };
    },
  },
  bill: {
    what: 'storage operations, executions and GB-seconds of an alert, and what they cost',
    async measure() {
      const bill = await measureBill(showProgress);
      showProgress('');
      return { ...billTable(bill), figures: bill };
    },
  },
  memory: {
    what: `${memoryPlan.alerts} alerts through one process; a stand-in for the storage service, not Azurite`,
    async measure() {
      const result = await measureMemory(memoryPlan, showProgress);
      showProgress('');
      return { ...memoryTable(result), figures: result };
    },
  },
  intake: {
    what: 'messages of each form on one core, nothing stored or sent; the slowest first',
    async measure() {
      const speeds = measureIntake(showProgress);
      showProgress('');
      return { ...intakeTable(speeds), figures: speeds };
    },
  },
  normalize: {
    what: `a fleet of ${normalizePlan.machines} machines on one core, nothing stored or sent`,
    async measure() {
      const speeds = measureNormalize(normalizePlan);
      return { ...normalizeTable(speeds), figures: speeds };
    },
  },
};

const names = isWhole ? Object.keys(sections) : positionals;
const results = fileURLToPath(new URL('./results/', import.meta.url));
mkdirSync(results, { recursive: true });

for (const name of names) {
  const section = sections[name];
  if (section === undefined) {
    console.error(`There is no section "${name}". Choose from: ${Object.keys(sections).join(', ')}.`);
    process.exit(1);
  }
  console.log(`\n${name}: ${section.what}\n`);
  const { head, rows, figures } = await section.measure(values.only);
  console.log(columns([head, ...rows.map((row) => row.map(String))]).join('\n'));
  const machine = {
    processor: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  writeFileSync(`${results}${name}.json`, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${text}`);
  }
}
