import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { appSettings, settingsProblems } from './support/appSettings.ts';
import { azdProblems, fillParameters } from './support/azdProject.ts';
import { deploy, describeCompiled, templateOf } from './support/bicep.ts';
import { projectRoot, readInfra } from './support/sources.ts';

const sources = readInfra();
const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');
const azureYaml = read('azure.yaml');
const parametersFile = sources.get('infra/main.parameters.json') ?? '';
const environment = { AZURE_ENV_NAME: 'prod', AZURE_LOCATION: 'westeurope' };

describe('azure.yaml', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const surroundings = {
    exists: (path: string) => existsSync(join(projectRoot, path)),
    scripts: Object.keys(scripts),
    serviceTags: [...read('infra/modules/functionApp.bicep').matchAll(/'azd-service-name': '(\w+)'/g)].map(
      ([, name = '']) => name,
    ),
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
    ['postdeploy:', 'postdeployed:', 'nothing says whether the app is ready'],
    ['ops -- check', 'op -- check', 'no script op'],
    ['host: function', 'host: functions', 'services.api.host'],
    ['remoteBuild: false', 'remotebuild: false', 'remotebuild'],
    ['services:', 'services: [', 'at line'],
    ["'>= 1.23.5'", "'>= 1.9'", 'requiredVersions.azd'],
  ];

  test.each(breaks)('with %s as %s is found out', (from, to, said) => {
    const changed = azureYaml.replaceAll(from, to);
    expect(changed).not.toBe(azureYaml);
    expect(azdProblems(changed, surroundings).join('\n')).toContain(said);
  });
});

describeCompiled('main.parameters.json', () => {
  const parameters = () => templateOf(sources, 'infra/main.bicep').parameters;

  test('gives what the template needs, and nothing that it does not know', () => {
    const given = Object.keys(fillParameters(parametersFile, environment));
    const needed = Object.entries(parameters())
      .filter(([, { defaultValue }]) => defaultValue === undefined)
      .map(([name]) => name);
    expect(Object.keys(parameters())).toEqual(expect.arrayContaining(given));
    expect(given).toEqual(expect.arrayContaining(needed));
  });

  test('with nothing but name and place in the environment deploys an app that starts', () => {
    const deployment = deploy(sources, 'infra/main.bicep', fillParameters(parametersFile, environment));
    expect(settingsProblems(appSettings(deployment))).toEqual([]);
    expect(deployment.outputs).toMatchObject({
      AZURE_RESOURCE_GROUP: 'rg-prod',
      DEFENDER_CLOUD: 'commercial',
    });
    const scriptReads = [...read('infra/grant-permissions.sh').matchAll(/\$\{([A-Z][A-Z_]+):-/g)];
    expect(scriptReads.map(([, name]) => name)).toContain('AZURE_IDENTITY_PRINCIPAL_ID');
    expect(Object.keys(deployment.outputs)).toEqual(
      expect.arrayContaining(scriptReads.map(([, name]) => name)),
    );
  });

  test('takes what the environment says', () => {
    const filled = fillParameters(parametersFile, {
      ...environment,
      VNET_ENABLED: 'true',
      DEFENDER_CLOUD: 'gcc',
      DELETE_LOCK: 'true',
      STORAGE_REDUNDANCY: 'Standard_ZRS',
      OPERATOR_PRINCIPAL_ID: '44444444-4444-4444-8444-444444444444',
      OPERATOR_PRINCIPAL_TYPE: 'Group',
    });
    const { resources, outputs } = deploy(sources, 'infra/main.bicep', filled);
    const types = resources.map(({ type }) => type);
    expect(types).toContain('Microsoft.Network/virtualNetworks');
    expect(types).toContain('Microsoft.Authorization/locks');
    expect(outputs.DEFENDER_CLOUD).toBe('gcc');
    expect(JSON.stringify(resources)).toContain(
      '"principalId":"44444444-4444-4444-8444-444444444444","principalType":"Group"',
    );
  });

  // azd fills these by whoever is signed in, and looks into no environment.
  test('takes no variable whose value azd gives itself', () => {
    expect(parametersFile).not.toMatch(/AZURE_PRINCIPAL_(ID|TYPE)/);
  });
});
