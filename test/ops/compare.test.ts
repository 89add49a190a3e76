import { TableClient } from '@azure/data-tables';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import type { Comparison } from '#ops/compare/compare.ts';
import { MACHINE_FIELDS } from '#shared/sources/graph/machineFields.ts';
import { runOps } from './commandLine.ts';

let stack: Stack;
let settings: Record<string, string>;
beforeAll(async () => {
  stack = await startStack();
  settings = { ...stack.settings, AZURE_FUNCTIONS_ENVIRONMENT: 'Development', IN_PROCESS_WAIT: '1s' };
  const options = { allowInsecureConnection: true };
  const { connectionString } = stack.azurite;
  await TableClient.fromConnectionString(connectionString, 'EnrichmentState', options).createTable();
});
afterEach(() => stack.simulator.control.reset());
afterAll(() => stack.stop());

async function compare(...alertIds: string[]) {
  const { output, exitCode } = await runOps(settings, 'compare', '--json', ...alertIds);
  return { exitCode, comparisons: JSON.parse(output) as Comparison[] };
}

test('tells of each property whether it stays, becomes null or is new with Graph', async () => {
  const alertIds = stack.simulator.control.alertIds(6);
  const { exitCode, comparisons } = await compare(...alertIds);
  expect(exitCode).toBe(0);
  expect(comparisons.map(({ alertId }) => alertId)).toEqual(alertIds);
  const properties = comparisons.flatMap((comparison) => comparison.properties ?? []);
  expect(properties.length).toBeGreaterThan(60);
  const changes = (name: string) =>
    new Set(properties.filter(({ property }) => property === name).map(({ change }) => change));
  expect(changes('id')).toEqual(new Set(['same']));
  expect(changes('managedBy')).toEqual(new Set(['becomes null']));
  expect(changes('deviceType')).toEqual(new Set(['new']));
  const lost = properties.filter(({ change, unavailable }) => change === 'becomes null' && !unavailable);
  const withLoss = Object.entries(MACHINE_FIELDS).flatMap(([name, field]) => ('loss' in field ? [name] : []));
  expect(lost.filter(({ property }) => !withLoss.includes(property))).toEqual([]);
});

test('prints a table for people', async () => {
  const [alertId = ''] = stack.simulator.control.alertIds(1);
  const { output, exitCode } = await runOps(settings, 'compare', alertId);
  expect(exitCode).toBe(0);
  expect(output).toContain(alertId);
  expect(output).toMatch(/PROPERTY .*DEFENDER .*GRAPH/);
  expect(output).toMatch(/managedBy .*becomes null \(Graph cannot know it\)/);
  expect(output).toMatch(/The same: id, /);
});

test('says why where a source has no device, and stops nothing', async () => {
  stack.simulator.control.revokeRoles(['SecurityAlert.Read.All', 'ThreatHunting.Read.All']);
  const [alertId = ''] = stack.simulator.control.alertIds(1);
  const { comparisons, exitCode } = await compare(alertId);
  expect(exitCode).toBe(1);
  expect(comparisons[0]?.answers).toMatchObject({
    defender: { kind: 'found' },
    graph: { kind: 'denied', detail: expect.stringContaining('SecurityAlert.Read.All') },
  });
  stack.simulator.control.grantRoles(['SecurityAlert.Read.All', 'ThreatHunting.Read.All']);
  expect((await compare(alertId)).comparisons[0]?.answers.graph).toEqual({ kind: 'found' });
});
