/** The benchmarks: `npm run bench -- [section...]` prints a table a section and writes its figures as JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { plan } from './chaos/plan.ts';
import { soakTable } from './chaos/report.ts';
import { soak } from './chaos/soak.ts';
import { quotaTable } from './quota/report.ts';
import { run } from './quota/scenario.ts';
import { scenarios } from './quota/scenarios.ts';

interface Section {
  what: string;
  measure(only: string | undefined): Promise<{ head: string[]; rows: string[][]; figures: unknown }>;
}

const sections: Record<string, Section> = {
  quota: {
    what: 'a backlog under both limits: 4 hosts, one quota',
    async measure(only) {
      const measurements = [];
      for (const scenario of scenarios.filter(({ name }) => only === undefined || name.includes(only))) {
        measurements.push(await run(scenario, (progress) => showProgress(`${scenario.name}: ${progress}`)));
        showProgress('');
      }
      return { ...quotaTable(measurements), figures: measurements };
    },
  },
  chaos: {
    what: `a soak of ${plan.hosts} hosts that are killed one after another, with faults and a restart of storage`,
    async measure() {
      const result = await soak(plan, showProgress);
      showProgress('');
      return { ...soakTable(result), figures: result };
    },
  },
};

const { positionals, values } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } });
const names = positionals.length > 0 ? positionals : Object.keys(sections);
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
  const table = new Table({ head, style: { head: [], border: [] } });
  table.push(...rows);
  console.log(table.toString());
  const machine = {
    processor: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  writeFileSync(`${results}${name}.json`, `${JSON.stringify({ machine, figures }, null, 2)}\n`);
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
