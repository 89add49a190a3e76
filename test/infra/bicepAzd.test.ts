import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { appSettings, settingsProblems } from './support/appSettings.ts';
import { azdProblems, fillParameters } from './support/azdProject.ts';
import { parseBicep } from './support/bicepFile.ts';
import { deploy } from './support/deploy.ts';
import { projectRoot, readInfra } from './support/sources.ts';

const sources = readInfra();
const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');
const azureYaml = read('azure.yaml');
const parametersFile = sources.get('infra/main.parameters.json') ?? '';
const environment = { AZURE_ENV_NAME: 'prod', AZURE_LOCATION: 'westeurope' };

describe('azure.yaml', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const { resources } = deploy(sources, 'infra/main.bicep', fillParameters(parametersFile, environment));
  const surroundings = {
    exists: (path: string) => existsSync(join(projectRoot, path)),
    scripts: Object.keys(scripts),
    serviceTags: resources.flatMap(({ body }) => {
      const tag = (body.tags as Record<string, string> | undefined)?.['azd-service-name'];
      return tag === undefined ? [] : [tag];
    }),
  };

  test('names what exists', () => {
    expect(azdProblems(azureYaml, surroundings)).toEqual([]);
  });

  const breaks: [from: string, to: string, said: string][] = [
    ['  api:', '  app:', 'nothing is tagged as app'],
    ['project: .', 'project: ./package-of-none', 'there is no ./package-of-none'],
    ['grant-permissions.sh', 'grant.sh', 'there is no infra/grant.sh'],
    ['grant-permissions.ps1', 'grant.ps1', 'there is no infra/grant.ps1'],
    ['npm run package', 'npm run pack-it', 'no script pack-it'],
    ['postprovision:', 'postprovisioned:', 'nothing is granted'],
    ['host: function', 'host: functions', 'services.api.host'],
    ['remoteBuild: false', 'remotebuild: false', 'remotebuild'],
    ['services:', 'services: [', 'at line'],
  ];

  test.each(breaks)('with %s as %s is found out', (from, to, said) => {
    const changed = azureYaml.replaceAll(from, to);
    expect(changed).not.toBe(azureYaml);
    expect(azdProblems(changed, surroundings).join('\n')).toContain(said);
  });
});

describe('main.parameters.json', () => {
  const { parameters } = parseBicep(sources.get('infra/main.bicep') ?? '');

  test('gives what the template needs, and nothing that it does not know', () => {
    const given = Object.keys(fillParameters(parametersFile, environment));
    const needed = parameters.filter((parameter) => parameter.default === undefined).map(({ name }) => name);
    expect(parameters.map(({ name }) => name)).toEqual(expect.arrayContaining(given));
    expect(given).toEqual(expect.arrayContaining(needed));
  });

  test('with nothing but name and place in the environment deploys an app that starts', () => {
    const deployment = deploy(sources, 'infra/main.bicep', fillParameters(parametersFile, environment));
    expect(settingsProblems(appSettings(deployment))).toEqual([]);
    expect(deployment.outputs).toMatchObject({
      AZURE_RESOURCE_GROUP: 'rg-prod',
      DEFENDER_CLOUD: 'commercial',
    });
  });

  test('takes what the environment says', () => {
    const filled = fillParameters(parametersFile, {
      ...environment,
      VNET_ENABLED: 'true',
      DEFENDER_CLOUD: 'gcc',
      AZURE_PRINCIPAL_ID: '44444444-4444-4444-8444-444444444444',
    });
    const { resources, outputs } = deploy(sources, 'infra/main.bicep', filled);
    expect(resources.some(({ type }) => type === 'Microsoft.Network/virtualNetworks')).toBe(true);
    expect(outputs.DEFENDER_CLOUD).toBe('gcc');
  });
});

test('the script that grants permissions finds what it reads among the outputs', () => {
  const names = [...read('infra/grant-permissions.sh').matchAll(/\$\{([A-Z][A-Z_]+):-/g)].map(
    ([, name]) => name,
  );
  const { outputs } = deploy(sources, 'infra/main.bicep', fillParameters(parametersFile, environment));
  expect(names).toContain('AZURE_IDENTITY_PRINCIPAL_ID');
  expect(Object.keys(outputs)).toEqual(expect.arrayContaining(names));
});
