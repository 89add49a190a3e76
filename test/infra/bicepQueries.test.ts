import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { book } from '#shared/quota/feedback.ts';
import { EMPTY_LEDGER, type LedgerRules } from '#shared/quota/ledger.ts';
import { type Deployed, deploy, describeCompiled } from './support/bicep.ts';
import { collectLogLines } from './support/logLines.ts';
import {
  type Emitted,
  minutesOf,
  type QueryRule,
  queryProblems,
  readLines,
  ruleProblems,
} from './support/queries.ts';
import { ofKind, projectRoot, readInfra } from './support/sources.ts';

const sources = readInfra();
const queries = ofKind(sources, '.kql');
const deployedTo = (parameters: Record<string, unknown>) =>
  deploy(sources, 'infra/resources.bicep', parameters).resources;
let resources: Deployed[] = [];
const ruleOf = (name: string) =>
  resources.find((resource) => resource.type.endsWith('/scheduledQueryRules') && resource.name.endsWith(name))
    ?.body.properties as QueryRule;
const registrations = globSync('functions/*.ts', { cwd: projectRoot }).map((name) =>
  readFileSync(join(projectRoot, name), 'utf8'),
);
const functions = new Set(
  [...registrations.join('\n').matchAll(/app\.\w+\('(\w+)'/g)].map(([, name = '']) => name),
);

let emitted: Emitted;

beforeAll(async () => {
  emitted = readLines(await collectLogLines());
});

test('the lines to compare with tell of every event, and of every result of a message', () => {
  expect([...emitted.fields.keys()].sort()).toEqual([
    'order',
    'poll',
    'poll_failed',
    'quota',
    'rejected',
    'request_failed',
    'source',
    'split',
    'submission',
  ]);
  expect([...emitted.results].sort()).toEqual(['deferred', 'enriched', 'failed', 'not_found', 'repeated']);
});

test.each(queries)('%s reads what the app writes', (_, query) => {
  expect(queryProblems(query, emitted, functions)).toEqual([]);
});

describe('a query is found out', () => {
  const breaks: [name: string, from: string, to: string, said: string][] = [
    ['alerts/circuit-open', 'circuit.openSince', 'circuit.openedAt', 'no line holds circuit.openedAt'],
    ['alerts/circuit-open', '"event":"quota"', '"event":"limits"', 'no event is called limits'],
    ['alerts/oldest-waiting', '== "deferred"', '== "waiting"', 'no result is waiting'],
    ['alerts/no-progress', '"not_found"', '"missing"', 'no result is missing'],
    ['alerts/dead-letters', '!= "submission"', '!= "alert"', 'no event is called alert'],
    ['alerts/poller-failing', '"event":"poll"', '"event":"pass"', 'no event is called pass'],
    ['alerts/poller-failing', 'line.ended', 'line.end', 'no line holds end'],
    ['alerts/poller-failing', '"moved"', '"changed"', 'no pass ends as changed'],
    ['alerts/poller-failing', '"pollAlerts"', '"poll"', 'no function is called poll'],
    ['workbook/poller', 'line.submitted', 'line.submissions', 'no line holds submissions'],
    ['workbook/http', '== "order"', '== "orders"', 'no event is called orders'],
    ['workbook/http', 'line.notQueued', 'line.lost', 'no line holds lost'],
    ['workbook/quota', 'quotaWindow.used', 'quotaWindow.calls', 'no line holds windows[].calls'],
    ['workbook/quota', 'line.windows', 'line.limits', 'no line holds limits[]'],
    ['workbook/failures', 'line.reason', 'line.code', 'no line holds code'],
  ];

  test.each(breaks)('%s with %s as %s', (name, from, to, said) => {
    const query = sources.get(`infra/queries/${name}.kql`) ?? '';
    const changed = query.replaceAll(from, to);
    expect(changed).not.toBe(query);
    expect(queryProblems(changed, emitted, functions).join('\n')).toContain(said);
  });

  test('and so is a field that the app no longer writes', () => {
    const lines = ['{"event":"quota","share":1}'];
    const query = sources.get('infra/queries/alerts/rate-lowered.kql') ?? '';
    expect(queryProblems(query, readLines(lines), functions)).toEqual(['no line holds rate']);
  });
});

describeCompiled('alert rules', () => {
  beforeAll(() => {
    resources = deployedTo({ alertEmail: 'soc@example.com' });
  });

  const names = [
    'dead-letters',
    'circuit-open',
    'oldest-waiting',
    'rate-lowered',
    'no-progress',
    'poller-failing',
    'poller-silent',
  ];

  test.each(names)('%s measures what its query gives, and tells the operator', (name) => {
    const rule = ruleOf(name);
    expect(ruleProblems(rule)).toEqual([]);
    expect(rule).toMatchObject({
      // The poller is off in this deployment.
      enabled: name !== 'poller-silent',
      autoMitigate: true,
      actions: { actionGroups: [expect.stringContaining('-mail')] },
    });
  });

  test('a poller that is silent is told of where it has a schedule', () => {
    const { resources: polling } = deploy(sources, 'infra/resources.bicep', {
      alertPollSchedule: '0 */5 * * * *',
    });
    const rule = polling.find(({ name }) => name.endsWith('poller-silent'));
    expect(rule?.body.properties).toMatchObject({ enabled: true });
  });

  test('a rule that measures another column or looks too seldom is found out', () => {
    const rule = ruleOf('dead-letters');
    const [criterion] = rule.criteria.allOf;
    const other = { allOf: [{ query: criterion?.query ?? '', metricMeasureColumn: 'Letters' }] };
    expect(ruleProblems({ ...rule, criteria: other })).toEqual(['the query gives no Letters']);
    expect(ruleProblems({ ...rule, evaluationFrequency: 'PT1H' })).toEqual(['PT1H in PT15M does not fit']);
  });

  test('the circuit is looked at over more than the longest time between two reports of it', () => {
    const rules: LedgerRules = { limits: [], share: 1, inProcessWaitMs: 0, probeIntervalMs: 5_000 };
    const circuit = {
      openedAt: 0,
      refusedAt: 0,
      probeAt: 0,
      failures: 100,
      cause: 'forbidden' as const,
      detail: 'refused',
    };
    const refused = book({ ...EMPTY_LEDGER, circuit }, rules, [
      { kind: 'denied', isProbe: true, cause: 'forbidden', detail: '', at: 0 },
    ]);
    const betweenProbes = (refused.circuit?.probeAt ?? 0) / 60_000;
    expect(betweenProbes).toBe(15);
    // An alert that was denied comes back after the probe is due, up to as long again.
    expect(minutesOf(ruleOf('circuit-open').windowSize)).toBeGreaterThan(2 * betweenProbes);
  });

  test('action groups of others are told as well, and nobody where none is named', () => {
    const groupsOf = (parameters: Record<string, unknown>) =>
      deployedTo(parameters)
        .filter(({ type }) => type.endsWith('/scheduledQueryRules'))
        .map(({ body }) => (body.properties as { actions: { actionGroups: string[] } }).actions.actionGroups);
    expect(groupsOf({})).toEqual(names.map(() => []));
    expect(groupsOf({ actionGroupIds: ['/groups/soc'] })).toEqual(names.map(() => ['/groups/soc']));
  });

  test('the workbook shows every query that is meant for it', () => {
    const [serializedData = ''] = resources
      .filter(({ type }) => type === 'Microsoft.Insights/workbooks')
      .map(({ body }) => (body.properties as { serializedData: string }).serializedData);
    const { items } = JSON.parse(serializedData) as {
      items: { name: string; content: { query?: string } }[];
    };
    const shown = items.flatMap(({ content }) => (content.query === undefined ? [] : [content.query]));
    const meant = queries.filter(([path]) => path.includes('/workbook/')).map(([, query]) => query);
    expect(shown.toSorted()).toEqual(meant.toSorted());
    expect(new Set(items.map(({ name }) => name)).size).toBe(items.length);
  });
});
