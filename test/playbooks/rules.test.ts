import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from './support/evaluate.ts';
import { playbooks, templateOf } from './support/playbooks.ts';
import { deployedWorkflow, templateProblems } from './support/templateRules.ts';
import { allActions, workflowProblems } from './support/workflowRules.ts';

type Actions = Record<string, JsonObject>;

describe.each(Object.entries(playbooks))('the template of %s', (playbook, given) => {
  const template = templateOf(playbook);
  const definition = () => structuredClone(deployedWorkflow(template, given).definition);

  test('deploys with nothing but its required parameters, signs in as its identity and holds no secret', () => {
    expect(templateProblems(template, given)).toEqual([]);
  });

  test('has a workflow whose every reference and expression holds', () => {
    expect(workflowProblems(definition())).toEqual([]);
  });

  test('sends no request without the sign-in of its identity', () => {
    for (const [name, { type, inputs }] of allActions(definition().actions as Actions)) {
      if (type !== 'Http' || name === 'Call_webhook') {
        continue;
      }
      expect(inputs, name).toMatchObject({ authentication: { type: 'ManagedServiceIdentity' } });
    }
  });

  test('takes a 202 of the app as an answer, and does not poll its location by itself', () => {
    for (const [name, action] of allActions(definition().actions as Actions)) {
      const asksApp = JSON.stringify(action.inputs ?? {}).includes("parameters('functionAppUrl')");
      if (asksApp) {
        expect(action.operationOptions, name).toBe('DisableAsyncPattern');
      }
    }
  });

  test('is caught when any action that others name goes missing', () => {
    for (const [name] of allActions(definition().actions as Actions)) {
      const broken = definition();
      remove(broken.actions as Actions, name);
      const text = JSON.stringify(broken.actions);
      if (!text.includes(`('${name}')`) && !text.includes(`"${name}":[`)) {
        continue;
      }
      expect(workflowProblems(broken).join('\n'), name).toContain(name);
    }
  });

  test('is caught when any name in an expression is misspelt', () => {
    const text = JSON.stringify(definition());
    const names = new Set(
      text.match(/\b(?:body|outputs|items|variables|parameters|iterationIndexes)\('\w+'\)/g),
    );
    expect(names.size).toBeGreaterThan(15);
    for (const name of names) {
      const misspelt = JSON.parse(text.replace(name, name.replace("')", "x')")));
      expect(workflowProblems(misspelt).join('\n'), name).toContain(`${name.split("'")[1]}x`);
    }
  });

  test('is caught when any expression loses its last bracket', () => {
    const texts = expressionsIn(definition().actions as Json);
    expect(texts.length).toBeGreaterThan(20);
    for (const text of texts) {
      const end = text.lastIndexOf(')');
      const broken = text.slice(0, end) + text.slice(end + 1);
      const changed = replaced(definition(), text, broken) as JsonObject;
      expect(workflowProblems(changed), text).not.toEqual([]);
    }
  });
});

/** A workflow in which one thing at a time is broken. */
const sound = {
  parameters: { endpoint: { type: 'String' } },
  actions: {
    Count: {
      type: 'InitializeVariable',
      inputs: { variables: [{ name: 'Count', type: 'integer' }] },
      runAfter: {},
    },
    Ask: { type: 'Http', inputs: { uri: "@{parameters('endpoint')}/x" }, runAfter: { Count: ['Succeeded'] } },
    Each: {
      type: 'Foreach',
      foreach: "@body('Ask')",
      actions: { Show: { type: 'Compose', inputs: "@items('Each')?['name']", runAfter: {} } },
      runAfter: { Ask: ['Succeeded'] },
    },
    After: { type: 'Compose', inputs: "@outputs('Ask')", runAfter: { Each: ['Succeeded'] } },
  },
};

test.each<[string, string, string, string]>([
  ['a misspelt action', "body('Ask')", "body('Aks')", "Each: body('Aks') names no action that ran before"],
  ['a misspelt loop', "items('Each')", "items('Eech')", "Show: items('Eech') names no loop around it"],
  [
    'a misspelt parameter',
    "parameters('endpoint')",
    "parameters('end')",
    "Ask: parameters('end') names no parameter",
  ],
  ['a misspelt function', "@body('Ask')", "@boddy('Ask')", 'Each: unknown function boddy'],
  [
    'a variable that nobody makes',
    "@body('Ask')",
    "@variables('Total')",
    'Each: no variable Total was made before',
  ],
  [
    'an action that runs later',
    "@{parameters('endpoint')}/x",
    "@body('Show')",
    "Ask: body('Show') names no action",
  ],
  [
    'an action in a loop, from outside',
    "@outputs('Ask')",
    "@outputs('Show')",
    "After: outputs('Show') names no action",
  ],
  ['a runAfter of nobody', '"runAfter":{"Ask"', '"runAfter":{"Aks"', 'Each: runAfter names no sibling Aks'],
  ['a circle', '"runAfter":{"Count"', '"runAfter":{"Each"', 'Ask: runs after itself'],
  ['a wrong status', '["Succeeded"]', '["Done"]', 'Ask: runAfter has a wrong status'],
  ['an unknown type', '"Compose"', '"Composer"', 'Show: unknown type Composer'],
  ['a broken text', "@items('Each')?['name']", "@items('Each')?['name'", 'Show: expected "]"'],
  [
    'an unclosed part of a text',
    "@{parameters('endpoint')}",
    "@{parameters('endpoint')",
    'Ask: expected "}"',
  ],
])('the rules for workflows catch %s', (_what, from, to, problem) => {
  expect(workflowProblems(sound as unknown as JsonObject)).toEqual([]);
  const broken = JSON.parse(JSON.stringify(sound).replace(from, to));
  expect(workflowProblems(broken).join('\n')).toContain(problem);
});

test.each<[string, string | RegExp, string, string]>([
  ['a parameter that is not there', "parameters('queueName')", "parameters('queue')", 'no parameter queue'],
  ['a variable that is not there', "[variables('queueApi')]", "[variables('api')]", 'no variable api'],
  ['a parameter without use', "[parameters('queueName')]", 'enrichments', 'parameters queueName is not used'],
  ['a key', "[parameters('queueName')]", "[listKeys(parameters('queueName'))]", 'unknown function listKeys'],
  ['a key in a connection', '"values":{}', '"values":{"accountKey":"x"}', 'a secret: accountKey'],
  [
    'a secret parameter',
    '"queueName":{"type":"string"',
    '"queueName":{"type":"securestring"',
    'a secret: securestring',
  ],
  ['a missing identity', '"type":"SystemAssigned"', '"type":"None"', 'has no identity of its own'],
  ['a missing API version', '"apiVersion":"2019-05-01"', '"apiVersion":"latest"', 'no API version'],
  [
    'another sign-in',
    '"authentication":{"type":"ManagedServiceIdentity","audience"',
    '"authentication":{"type":"Basic","audience"',
    'a sign-in that is no managed identity: Basic',
  ],
  [
    'a dependency on nothing',
    "[resourceId('Microsoft.Web/connections', variables('queueConnection'))]",
    "[resourceId('Microsoft.Web/connections', 'other')]",
    'which the template does not have',
  ],
  ['a broken expression', "'azurequeues')]", "'azurequeues']", 'expected ")"'],
])('the rules for templates catch %s', (_what, from, to, problem) => {
  const text = JSON.stringify(templateOf('enrichments-to-incident'));
  expect(text).toContain(from);
  const given = playbooks['enrichments-to-incident'] ?? {};
  expect(templateProblems(JSON.parse(text.replace(from, to)), given).join('\n')).toContain(problem);
});

function remove(actions: Actions, name: string): void {
  delete actions[name];
  for (const action of Object.values(actions)) {
    for (const inner of [action.actions, (action.else as JsonObject | undefined)?.actions]) {
      if (inner !== undefined) {
        remove(inner as Actions, name);
      }
    }
  }
}

function expressionsIn(value: Json): string[] {
  if (typeof value === 'string') {
    return /^@|@\{/.test(value) && value.includes(')') ? [value] : [];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(expressionsIn) : [];
}

function replaced(value: Json, from: string, to: string): Json {
  return JSON.parse(JSON.stringify(value).replaceAll(JSON.stringify(from), JSON.stringify(to)));
}
