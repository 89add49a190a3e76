import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import {
  compile,
  describeCompiled,
  EXPECTED_VERSION,
  foundVersion,
  type Template,
  templateOf,
  withModules,
} from './support/bicep.ts';
import { keyProblems } from './support/secrets.ts';
import { ofKind, projectRoot, readInfra, type Sources, withChange } from './support/sources.ts';

const sources = readInfra();
const TEMPLATES = ['infra/main.bicep', 'infra/resources.bicep'] as const;

const diagnosticsOf = (changed: Sources) =>
  TEMPLATES.flatMap((path) => compile(changed, path).diagnostics).join('\n');

describeCompiled('the compiler', () => {
  test('is of the version that the compiled template names', () => {
    expect(foundVersion).toBe(EXPECTED_VERSION);
  });

  test('objects to nothing in the templates', () => {
    expect(diagnosticsOf(sources)).toBe('');
  });

  test('objects to a mistake of each kind', () => {
    const mistakes: [path: string, from: string, to: string, said: string][] = [
      ['infra/modules/storage.bicep', 'allowSharedKeyAccess', 'allowSharedKeyAcces', 'allowSharedKeyAcces'],
      [
        'infra/modules/network.bicep',
        'addressPrefix\n      ]',
        'appSubnetPrefix\n      ]',
        'no-unused-params',
      ],
      ['infra/resources.bicep', '    retentionDays: logRetentionDays\n', '', 'BCP035'],
      ['infra/modules/alerts.bicep', 'circuit-open.kql', 'circuit.kql', 'circuit.kql'],
      ['infra/modules/monitoring.bicep', 'components@2020-02-02', 'components@2020-02-03', 'BCP081'],
      [
        'infra/modules/storage.bicep',
        'string = account.name',
        'string = account.listKeys().keys[0].value',
        'outputs-should-not-contain-secrets',
      ],
      [
        'infra/modules/identity.bicep',
        'location: location',
        "location: 'westeurope'",
        'no-hardcoded-location',
      ],
      ['infra/modules/tableRole.bicep', "name: 'default'\n}", "name: 'default'\n", 'tableRole.bicep'],
    ];
    const changed = mistakes.reduce((all, [path, from, to]) => withChange(all, path, from, to), sources);
    const { diagnostics } = compile(changed, 'infra/resources.bicep');
    for (const [, , , said] of mistakes) {
      expect(diagnostics.join('\n')).toContain(said);
    }
  });

  test('makes of resources.bicep the azuredeploy.json that the button takes', () => {
    const { text } = compile(sources, 'infra/resources.bicep');
    const kept = readFileSync(join(projectRoot, 'infra/azuredeploy.json'), 'utf8');
    // Otherwise: bicep build infra/resources.bicep --outfile infra/azuredeploy.json
    expect(JSON.parse(kept)).toEqual(JSON.parse(text));
  });
});

/** What is wrong with compiled templates, a line each. */
type Check = (main: Template, resources: Template) => string[];

/** Resource types with a version that may change, or in several versions. */
const apiVersions: Check = (main) => {
  const versions = new Map<string, string>();
  return withModules(main)
    .flatMap(({ resources }) => resources)
    .filter(({ type }) => type !== 'Microsoft.Resources/deployments')
    .flatMap(({ type, apiVersion }) => {
      const first = versions.get(type) ?? apiVersion;
      versions.set(type, first);
      if (!/^\d{4}-\d{2}-\d{2}$/.test(apiVersion)) {
        return [`${type} has the version ${apiVersion}`];
      }
      return first === apiVersion ? [] : [`${type} has the versions ${first} and ${apiVersion}`];
    });
};

/** Parameters of the same name that differ between the template for azd and the one for a resource group. */
const sharedParameters: Check = (main, resources) => {
  // What these are follows from where they are given, and who gives them.
  const ownWords = new Set(['environmentName', 'location', 'operatorPrincipalId']);
  return Object.entries(main.parameters).flatMap(([name, parameter]) => {
    const other = resources.parameters[name];
    return other === undefined || ownWords.has(name) || JSON.stringify(parameter) === JSON.stringify(other)
      ? []
      : [`${name} differs`];
  });
};

const descriptions: Check = (...templates) =>
  templates.flatMap(({ parameters }) =>
    Object.entries(parameters)
      .filter(([, { metadata }]) => metadata?.description === undefined)
      .map(([name]) => `${name} has no description`),
  );

/** Outputs that azd would not keep as a variable of that name. */
const outputs: Check = (...templates) =>
  templates.flatMap((template) =>
    Object.keys(template.outputs)
      .filter((name) => !/^[A-Z][A-Z0-9_]*$/.test(name))
      .map((name) => `the output ${name} is not in upper case`),
  );

const queries: Check = (main) => {
  const text = JSON.stringify(main);
  return ofKind(sources, '.kql')
    .filter(([, query]) => !text.includes(JSON.stringify(query).slice(1, -1)))
    .map(([path]) => `nothing loads ${path}`);
};

describeCompiled('the compiled templates', () => {
  const checks: [
    holds: string,
    check: Check,
    path: string,
    from: string | RegExp,
    to: string,
    said: string,
  ][] = [
    [
      'have one version of each resource type, which does not change',
      apiVersions,
      'infra/modules/queueRole.bicep',
      'roleAssignments@2022-04-01',
      'roleAssignments@2020-10-01-preview',
      'Microsoft.Authorization/roleAssignments has the version',
    ],
    [
      'mean the same by a parameter',
      sharedParameters,
      'infra/main.bicep',
      "nodeVersion string = '22'",
      "nodeVersion string = '24'",
      'nodeVersion differs',
    ],
    [
      'say what every parameter is',
      descriptions,
      'infra/resources.bicep',
      /@description\('Tags[^\n]*\n/,
      '',
      'tags has no description',
    ],
    [
      'have outputs that can be variables of the environment',
      outputs,
      'infra/main.bicep',
      'output SERVICE_API_NAME',
      'output serviceApiName',
      'serviceApiName',
    ],
    [
      'hold every query',
      queries,
      'infra/modules/workbook.bicep',
      'workbook/line.kql',
      'workbook/quota.kql',
      'nothing loads infra/queries/workbook/line.kql',
    ],
  ];
  let right: [Template, Template];
  let broken: [Template, Template];
  beforeAll(() => {
    const both = (of: Sources) => TEMPLATES.map((path) => templateOf(of, path)) as [Template, Template];
    right = both(sources);
    broken = both(checks.reduce((all, [, , path, from, to]) => withChange(all, path, from, to), sources));
  });

  test.each(checks)('%s, or it is found', (_, check, __, ___, ____, said) => {
    expect(check(...right)).toEqual([]);
    expect(check(...broken).join('\n')).toContain(said);
  });

  test('let azd ask for a region by its own list', () => {
    expect(right[0].parameters.location?.metadata).toMatchObject({
      azd: { type: 'location' },
    });
  });
});

test.each([
  ['infra/modules/storage.bicep', 'account.name', 'account.listKeys().keys[0].value', 'listKeys'],
  ['infra/modules/storage.bicep', 'account.name', "listKeys(account.id, '2023-05-01')", 'listKeys'],
  ['infra/main.parameters.json', '"contentVersion"', 'AccountKey=', 'AccountKey='],
])('no file gets or holds a key, and one in %s is found (%#)', (path, from, to, said) => {
  expect(keyProblems(sources)).toEqual([]);
  expect(keyProblems(withChange(sources, path, from, to)).join('\n')).toContain(said);
});
