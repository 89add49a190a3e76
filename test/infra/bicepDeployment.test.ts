import { describe, expect, test } from 'vitest';
import { cloudNames, geoNames } from '../../shared/config/clouds.ts';
import { accessProblems, grantsOf, ROLES } from './support/access.ts';
import { appSettings, settingsProblems } from './support/appSettings.ts';
import { literal, parseBicep, partsOf } from './support/bicepFile.ts';
import { type Deployment, deploy, PRINCIPAL_ID } from './support/deploy.ts';
import { networkProblems } from './support/network.ts';
import { openDoorProblems } from './support/secrets.ts';
import { readInfra, type Sources, withChange } from './support/sources.ts';
import { nameProblems } from './support/storageNames.ts';

const sources = readInfra();
const OPERATOR = '44444444-4444-4444-8444-444444444444';
const ENTRA_APP = '55555555-5555-4555-8555-555555555555';

function deployMain(parameters: Record<string, unknown> = {}, changed: Sources = sources): Deployment {
  return deploy(changed, 'infra/main.bicep', {
    environmentName: 'prod',
    location: 'westeurope',
    ...parameters,
  });
}

/** Everything that can be turned on at once. */
const everything = {
  vnetEnabled: true,
  alertPollSchedule: '0 */5 * * * *',
  alertPollSeverities: 'High,Medium',
  alertPollStatuses: 'New',
  alertPollDetectionSources: 'WindowsDefenderAtp',
  httpAuthorization: 'entra',
  entraClientId: ENTRA_APP,
  alertEmail: 'soc@example.com',
  operatorPrincipalId: OPERATOR,
};

const resourcesOf = ({ resources }: Deployment, type: string) =>
  resources.filter((resource) => resource.type === type);

interface Check {
  holds: string;
  problems: (deployment: Deployment) => string[];
  breaks: [path: string, from: string | RegExp, to: string, said: string][];
}

const FUNCTION_APP = 'infra/modules/functionApp.bicep';
const ACCESS = 'infra/modules/access.bicep';
const STORAGE = 'infra/modules/storage.bicep';
const NETWORK = 'infra/modules/network.bicep';

const checks: Check[] = [
  {
    holds: 'the app knows each of its settings and accepts its value',
    problems: (deployment) => settingsProblems(appSettings(deployment)),
    breaks: [
      [FUNCTION_APP, 'ENRICHMENTS_TABLE:', 'ENRICHMENT_TABLE:', 'there is no setting ENRICHMENT_TABLE'],
      [FUNCTION_APP, /.*AlertsStorage__tableServiceUri.*\n/, '', 'AlertsStorage__tableServiceUri'],
      [
        FUNCTION_APP,
        'AZURE_CLIENT_ID: identityClientId',
        'AZURE_CLIENT_ID: identityId',
        'AZURE_CLIENT_ID: got',
      ],
      [
        FUNCTION_APP,
        /.*AzureWebJobsStorage__blobServiceUri.*\n/,
        '',
        'AzureWebJobsStorage__blobServiceUri is not set',
      ],
      [
        'infra/main.bicep',
        "defenderCloud string = 'commercial'",
        "defenderCloud string = 'gov'",
        'DEFENDER_CLOUD: got',
      ],
      ['infra/main.bicep', "quotaShare string = '1'", "quotaShare string = '2'", 'DEFENDER_QUOTA_SHARE: got'],
    ],
  },
  {
    holds: 'queues and tables are made under the names that the code calls them by',
    problems: nameProblems,
    breaks: [
      ['infra/resources.bicep', "string = 'alerts'", "string = 'alarms'", 'by the code'],
      ['infra/resources.bicep', 'Name}-poison', 'Name}-dead', 'by the settings'],
      ['infra/resources.bicep', '      stateTableName\n', '', 'tables, by the settings'],
    ],
  },
  {
    holds: 'the app may do what it does, by the intended roles, and nothing else',
    problems: (deployment) => accessProblems(grantsOf(deployment), PRINCIPAL_ID),
    breaks: [
      [
        ACCESS,
        '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
        '8a0f0c08-91a1-4084-bc3d-661d67233fed',
        'messages/write',
      ],
      [
        ACCESS,
        '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
        '974c5e8b-45b9-4653-ba55-5f855dd0fb89',
        'not one of ours',
      ],
      [ACCESS, '[poisonQueueName, enrichmentsQueueName]', '[enrichmentsQueueName]', '/queues/alerts-poison'],
      [ACCESS, 'roleId: queueDataReader', 'roleId: queueDataMessageSender', 'queues/read is not granted'],
      [ACCESS, 'tableName: stateTableName', 'tableName: enrichmentsTableName', '/tables/EnrichmentState'],
      [STORAGE, "'azure-webjobs-secrets'", "'secrets'", '/containers/azure-webjobs-secrets'],
      ['infra/modules/queueRole.bicep', 'scope: queue', 'scope: account', 'serves no need'],
    ],
  },
  {
    holds: 'only identities get in',
    problems: openDoorProblems,
    breaks: [
      [STORAGE, 'allowSharedKeyAccess: false', 'allowSharedKeyAccess: true', 'allowSharedKeyAccess'],
      [STORAGE, '    allowSharedKeyAccess: false\n', '', 'allowSharedKeyAccess'],
      [STORAGE, "'TLS1_2'", "'TLS1_0'", 'minimumTlsVersion'],
      [STORAGE, "publicAccess: 'None'", "publicAccess: 'Blob'", 'publicAccess'],
      [
        'infra/modules/monitoring.bicep',
        'DisableLocalAuth: true',
        'DisableLocalAuth: false',
        'DisableLocalAuth',
      ],
      [FUNCTION_APP, 'allow: false', 'allow: true', 'basicPublishingCredentialsPolicies ftp'],
    ],
  },
  {
    holds: 'with a virtual network storage is reached through it alone',
    problems: networkProblems,
    breaks: [
      ['infra/resources.bicep', "vnetEnabled ? 'Disabled' : 'Enabled'", "'Enabled'", 'reached from outside'],
      [NETWORK, "  'table'\n", '', 'no private endpoint of table'],
      [NETWORK, 'environment().suffixes.storage', "'core.windows.net'", 'no zone of blob'],
      [NETWORK, 'Microsoft.App/environments', 'Microsoft.Web/serverFarms', 'not delegated'],
      [NETWORK, 'zones[index].id', 'zones[0].id', 'no endpoint is in the zone of queue'],
    ],
  },
];

describe.each(checks)('$holds', ({ problems, breaks }) => {
  test('in the project', () => {
    expect(problems(deployMain({ vnetEnabled: true }))).toEqual([]);
  });

  test.each(breaks)('and a break of it in %s is found', (path, from, to, said) => {
    const changed = withChange(sources, path, from, to);
    expect(problems(deployMain({ vnetEnabled: true }, changed)).join('\n')).toContain(said);
  });
});

describe('each value that a parameter allows makes settings that the app accepts', () => {
  const allowed = (parameter: string) => {
    const declared = parseBicep(sources.get('infra/main.bicep') ?? '').parameters;
    const values = declared.find(({ name }) => name === parameter)?.decorators.get('allowed');
    return values ? partsOf(values).map(literal) : [];
  };

  test('every cloud', () => {
    expect(allowed('defenderCloud')).toEqual(cloudNames);
    for (const defenderCloud of cloudNames) {
      expect(settingsProblems(appSettings(deployMain({ defenderCloud })))).toEqual([]);
    }
  });

  test('every region, and none', () => {
    expect(allowed('defenderGeo')).toEqual(['', ...geoNames]);
    for (const defenderGeo of ['', ...geoNames]) {
      expect(settingsProblems(appSettings(deployMain({ defenderGeo })))).toEqual([]);
    }
  });

  test('everything turned on', () => {
    const settings = appSettings(deployMain(everything));
    expect(settingsProblems(settings)).toEqual([]);
    expect(settings).toMatchObject({ HTTP_AUTHORIZATION: 'entra', ALERT_POLL_SCHEDULE: '0 */5 * * * *' });
  });
});

test('further settings reach the app, and cannot replace what the template sets', () => {
  const extraSettings = { REUSE_FOR: '1h', AZURE_CLIENT_ID: OPERATOR };
  const settings = appSettings(deploy(sources, 'infra/resources.bicep', { extraSettings }));
  expect(settings.REUSE_FOR).toBe('1h');
  expect(settings.AZURE_CLIENT_ID).not.toBe(OPERATOR);
});

test('the template for a resource group needs no parameter', () => {
  const { outputs } = deploy(sources, 'infra/resources.bicep', {});
  expect(outputs.AZURE_FUNCTION_APP_NAME).toBe('func-enrichment-abcdefghijklm');
});

test('a package is deployed only where one is named', () => {
  const packages = (packageUri: string) =>
    resourcesOf(deploy(sources, 'infra/resources.bicep', { packageUri }), 'Microsoft.Web/sites/extensions');
  expect(packages('')).toEqual([]);
  expect(packages('https://example.com/package.zip')).toMatchObject([
    { name: 'onedeploy', body: { properties: { packageUri: 'https://example.com/package.zip' } } },
  ]);
});

test('without a virtual network nothing of one is made', () => {
  const { resources } = deployMain();
  expect(resources.filter(({ type }) => type.startsWith('Microsoft.Network/'))).toEqual([]);
});

test('the operator may read and write queues and tables, and only where there is one', () => {
  const held = (deployment: Deployment) =>
    grantsOf(deployment)
      .filter(({ principal }) => principal !== PRINCIPAL_ID)
      .map(({ principal, role, scope }) => [principal, ROLES.get(role)?.name, scope.split('/').at(-1)]);
  expect(held(deployMain())).toEqual([]);
  expect(held(deployMain({ operatorPrincipalId: OPERATOR }))).toEqual([
    [OPERATOR, 'Storage Queue Data Contributor', 'alerts'],
    [OPERATOR, 'Storage Queue Data Contributor', 'alerts-poison'],
    [OPERATOR, 'Storage Queue Data Contributor', 'enrichments'],
    [OPERATOR, 'Storage Table Data Contributor', 'AlertEnrichments'],
    [OPERATOR, 'Storage Table Data Contributor', 'EnrichmentState'],
  ]);
});

describe('HTTP callers', () => {
  const authentication = (parameters: Record<string, unknown>) =>
    resourcesOf(deployMain(parameters), 'Microsoft.Web/sites/config').map(({ body }) => body.properties);

  test('with function keys, App Service Authentication is turned off, wherever it was on before', () => {
    expect(authentication({})).toEqual([{ platform: { enabled: false } }]);
  });

  test('with Entra ID, tokens are checked without a secret, and only the liveness probe is open', () => {
    expect(authentication({ httpAuthorization: 'entra', entraClientId: ENTRA_APP })).toMatchObject([
      {
        platform: { enabled: true },
        globalValidation: {
          requireAuthentication: true,
          unauthenticatedClientAction: 'Return401',
          excludedPaths: ['/api/live'],
        },
        identityProviders: {
          azureActiveDirectory: {
            registration: {
              clientId: ENTRA_APP,
              openIdIssuer: 'https://login.example.net/33333333-3333-4333-8333-333333333333/v2.0',
            },
            validation: {
              allowedAudiences: [ENTRA_APP, `api://${ENTRA_APP}`],
              defaultAuthorizationPolicy: { allowedApplications: [ENTRA_APP] },
            },
          },
        },
      },
    ]);
  });

  test('the applications that may call are those that are named', () => {
    const allowedClientIds = `${OPERATOR},${PRINCIPAL_ID}`;
    expect(
      authentication({ httpAuthorization: 'entra', entraClientId: ENTRA_APP, allowedClientIds }),
    ).toMatchObject([
      {
        identityProviders: {
          azureActiveDirectory: {
            validation: {
              defaultAuthorizationPolicy: { allowedApplications: [OPERATOR, PRINCIPAL_ID] },
            },
          },
        },
      },
    ]);
  });
});
