import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { machineSchema } from '#shared/device/machine.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { ENRICHMENT_VERSION, outcomeSchema } from '#shared/enrichment/enrichment.ts';
import { deviceColumns } from '#shared/storage/enrichmentRow.ts';

type Actions = Record<string, Action>;
interface Action {
  runAfter: Record<string, string[]>;
  cases?: Record<string, { case: string; actions: Actions }>;
  default?: { actions: Actions };
}

const text = readFileSync(
  new URL('../../examples/consumer-logic-app/workflow.json', import.meta.url),
  'utf8',
);
const workflow: { parameters: object; actions: Actions } = JSON.parse(text);

/** Every list of actions that run one after the other: the whole, and each branch. */
function sequences(actions: Actions): Actions[] {
  const branches = Object.values(actions).flatMap((action) => [
    ...Object.values(action.cases ?? {}).map((branch) => branch.actions),
    ...(action.default === undefined ? [] : [action.default.actions]),
  ]);
  return [actions, ...branches.flatMap(sequences)];
}

function namesUsed(pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name);
}

test('every action runs after actions beside it, and reads results of actions that there are', () => {
  const all = sequences(workflow.actions);
  for (const actions of all) {
    const names = Object.keys(actions);
    for (const { runAfter } of Object.values(actions)) {
      expect(names).toEqual(expect.arrayContaining(Object.keys(runAfter)));
    }
    expect(Object.values(actions).filter(({ runAfter }) => Object.keys(runAfter).length === 0)).toHaveLength(
      1,
    );
  }
  const names = all.flatMap((actions) => Object.keys(actions));
  expect(names).toEqual(expect.arrayContaining(namesUsed(/(?:outputs|body)\('([^']+)'\)/g)));
  expect(Object.keys(workflow.parameters)).toEqual(
    expect.arrayContaining(namesUsed(/parameters\('([^']+)'\)/g)),
  );
});

test('every outcome of the present version has its case', () => {
  const cases = workflow.actions.By_version_and_outcome?.cases ?? {};
  expect(Object.values(cases).map((branch) => branch.case)).toEqual(
    outcomeSchema.options.map((outcome) => `${ENRICHMENT_VERSION} ${outcome}`),
  );
});

test('the columns that it reads are columns of the row', () => {
  const fixture = new URL('../fixtures/machines/azure-linux-vm.json', import.meta.url);
  const machine = machineSchema.parse(JSON.parse(readFileSync(fixture, 'utf8')));
  const columns = Object.keys(deviceColumns(normalizeMachine(machine, new Date())));
  const [selected = ''] = namesUsed(/"\$select": "([^"]+)"/g);
  expect(columns).toEqual(expect.arrayContaining(selected.split(',')));
  expect(selected.split(',')).toEqual(expect.arrayContaining(namesUsed(/body\('Read_row'\)\?\['(\w+)'\]/g)));
});
