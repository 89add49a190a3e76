import { describe, expect, test } from 'vitest';
import {
  apiVersionProblems,
  descriptionProblems,
  loadProblems,
  moduleProblems,
  outputProblems,
  sharedParameterProblems,
  syntaxProblems,
  unusedProblems,
} from './support/declarations.ts';
import { keyProblems } from './support/secrets.ts';
import { readInfra, type Sources, withChange } from './support/sources.ts';

const sources = readInfra();

interface Check {
  holds: string;
  problems: (sources: Sources) => string[];
  /** Changes that must be found out, each with a part of what is said then. */
  breaks: [path: string, from: string | RegExp, to: string, said: string][];
}

const checks: Check[] = [
  {
    holds: 'every file is Bicep',
    problems: syntaxProblems,
    breaks: [
      ['infra/modules/storage.bicep', "name: 'default'\n}", "name: 'default'\n", 'not Bicep'],
      ['infra/main.bicep', '  tags: tags', '  tags = tags', 'not Bicep'],
    ],
  },
  {
    holds: 'every parameter and variable is used',
    problems: unusedProblems,
    breaks: [
      [
        'infra/modules/network.bicep',
        'addressPrefix\n      ]',
        'appSubnetPrefix\n      ]',
        'reads addressPrefix',
      ],
      [
        'infra/modules/access.bicep',
        'roleId: blobDataContributor',
        'roleId: blobDataOwner',
        'blobDataContributor',
      ],
    ],
  },
  {
    holds: 'every module exists and is given what it declares',
    problems: moduleProblems,
    breaks: [
      [
        'infra/resources.bicep',
        'modules/storage.bicep',
        'modules/store.bicep',
        'no module infra/modules/store',
      ],
      ['infra/resources.bicep', '    retentionDays: logRetentionDays\n', '', 'not given retentionDays'],
      ['infra/resources.bicep', 'email: alertEmail', 'mail: alertEmail', 'has no mail'],
    ],
  },
  {
    holds: 'every file that is loaded exists, and every query is loaded',
    problems: loadProblems,
    breaks: [
      ['infra/modules/alerts.bicep', 'circuit-open.kql', 'circuit.kql', 'infra/queries/alerts/circuit.kql'],
      [
        'infra/modules/workbook.bicep',
        'line.kql',
        'quota.kql',
        'nothing loads infra/queries/workbook/line.kql',
      ],
    ],
  },
  {
    holds: 'every resource type has one version that does not change',
    problems: apiVersionProblems,
    breaks: [
      ['infra/modules/alerts.bicep', '@2023-12-01', '@2023-03-15-preview', '2023-03-15-preview'],
      ['infra/modules/alerts.bicep', '@2023-12-01', '', 'version ""'],
      [
        'infra/modules/queueRole.bicep',
        'storageAccounts@2023-05-01',
        'storageAccounts@2022-09-01',
        'versions',
      ],
    ],
  },
  {
    holds: 'both templates mean the same by a parameter',
    problems: sharedParameterProblems,
    breaks: [
      ['infra/main.bicep', "nodeVersion string = '22'", "nodeVersion string = '24'", 'nodeVersion: default'],
      ['infra/resources.bicep', "  'aea'\n", '', 'defenderGeo: allowed'],
    ],
  },
  {
    holds: 'every parameter that people set says what it is',
    problems: descriptionProblems,
    breaks: [['infra/resources.bicep', /@description\('Tags[^\n]*\n/, '', 'tags has no description']],
  },
  {
    holds: 'every output can be a variable of the environment',
    problems: outputProblems,
    breaks: [['infra/main.bicep', 'output SERVICE_API_NAME', 'output serviceApiName', 'serviceApiName']],
  },
  {
    holds: 'no template gets or holds a key',
    problems: keyProblems,
    breaks: [
      ['infra/modules/storage.bicep', 'account.name', 'account.listKeys().keys[0].value', 'listKeys'],
      ['infra/modules/storage.bicep', 'account.name', "listKeys(account.id, '2023-05-01')", 'listKeys'],
      ['infra/main.parameters.json', '"contentVersion"', 'AccountKey=', 'AccountKey='],
    ],
  },
];

describe.each(checks)('$holds', ({ problems, breaks }) => {
  test('in the project', () => {
    expect(problems(sources)).toEqual([]);
  });

  test.each(breaks)('and a break of it in %s is found', (path, from, to, said) => {
    expect(problems(withChange(sources, path, from, to)).join('\n')).toContain(said);
  });
});
