import { describe, expect, test } from 'vitest';
import { CLOUD_NAMES, GEO_NAMES } from '#shared/config/apiHosts.ts';
import { accessProblems, grantsOf, ROLES } from './support/access.ts';
import { appSettings, settingsProblems } from './support/appSettings.ts';
import {
  type Deployment,
  deploy,
  describeCompiled,
  PRINCIPAL_ID,
  TENANT_ID,
  templateOf,
} from './support/bicep.ts';
import { networkProblems } from './support/network.ts';
import { openDoorProblems } from './support/secrets.ts';
import { readInfra } from './support/sources.ts';
import { nameProblems } from './support/storageNames.ts';

const sources = readInfra();
const OPERATOR = '44444444-4444-4444-8444-444444444444';
const ENTRA_APP = '55555555-5555-4555-8555-555555555555';

function deployMain(parameters: Record<string, unknown> = {}): Deployment {
  return deploy(sources, 'infra/main.bicep', {
    environmentName: 'prod',
    location: 'westeurope',
    operatorPrincipalId: OPERATOR,
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
  /** Changes of the prediction, as JSON, that must be found out, each with a part of what is said then. */
  breaks: [from: string | RegExp, to: string, said: string][];
}

const checks: Check[] = [
  {
    holds: 'the app knows each of its settings and accepts its value',
    problems: (deployment) => settingsProblems(appSettings(deployment)),
    breaks: [
      ['"name":"ENRICHMENTS_TABLE"', '"name":"ENRICHMENT_TABLE"', 'there is no setting ENRICHMENT_TABLE'],
      ['"name":"AlertsStorage__tableServiceUri"', '"name":"x"', 'AlertsStorage__tableServiceUri'],
      [/("name":"AZURE_CLIENT_ID","value":")[^"]+/, '$1/subscriptions/x', 'AZURE_CLIENT_ID: got'],
      [
        '"name":"AzureWebJobsStorage__blobServiceUri"',
        '"name":"x"',
        'AzureWebJobsStorage__blobServiceUri is not set',
      ],
      [/("name":"DEFENDER_CLOUD","value":")[^"]+/, '$1gov', 'DEFENDER_CLOUD: got'],
      [/("name":"DEFENDER_QUOTA_SHARE","value":")[^"]+/, '$12', 'DEFENDER_QUOTA_SHARE: got'],
    ],
  },
  {
    holds: 'queues and tables are made under the names that the code calls them by',
    problems: nameProblems,
    breaks: [
      [/"name":"alerts"/, '"name":"alarms"', 'by the code'],
      [/"name":"alerts-poison"/, '"name":"alerts-dead"', 'by the settings'],
      [/"name":"EnrichmentState"/, '"name":"State"', 'tables, by the settings'],
    ],
  },
  {
    holds: 'the app may do what it does, by the intended roles, and nothing else',
    problems: (deployment) => accessProblems(grantsOf(deployment), PRINCIPAL_ID),
    breaks: [
      [
        '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
        '8a0f0c08-91a1-4084-bc3d-661d67233fed',
        'messages/write is not granted',
      ],
      ['974c5e8b-45b9-4653-ba55-5f855dd0fb88', '974c5e8b-45b9-4653-ba55-5f855dd0fb89', 'not one of ours'],
      [
        '19e7f393-937e-4f77-808e-94535e297925',
        'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a',
        'queues/read is not granted',
      ],
      [
        /("scope":"[^"]+)\/tables\/EnrichmentState"/,
        '$1/tables/AlertEnrichments"',
        '/tables/EnrichmentState',
      ],
      [
        /("scope":"[^"]+)\/containers\/azure-webjobs-secrets"/,
        '$1/containers/secrets"',
        '/containers/azure-webjobs-secrets',
      ],
      [
        /("scope":"[^"]+\/storageAccounts\/[^/"]+)\/queueServices[^"]+"/,
        '$1"',
        'opens data of the whole account',
      ],
      [
        'acdd72a7-3385-48ef-bd42-f606fba81ae7',
        'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
        'opens data of the whole account',
      ],
      [
        'acdd72a7-3385-48ef-bd42-f606fba81ae7',
        'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a',
        '/storageAccounts/*: Microsoft.Storage/storageAccounts/blobServices/containers/read is not granted',
      ],
    ],
  },
  {
    holds: 'only identities get in',
    problems: openDoorProblems,
    breaks: [
      ['"allowSharedKeyAccess":false', '"allowSharedKeyAccess":true', 'allowSharedKeyAccess'],
      ['"allowSharedKeyAccess":false,', '', 'allowSharedKeyAccess'],
      ['"TLS1_2"', '"TLS1_0"', 'minimumTlsVersion'],
      ['"publicAccess":"None"', '"publicAccess":"Blob"', 'publicAccess'],
      ['"DisableLocalAuth":true', '"DisableLocalAuth":false', 'DisableLocalAuth'],
      ['"allow":false', '"allow":true', 'basicPublishingCredentialsPolicies ftp'],
    ],
  },
  {
    holds: 'with a virtual network storage is reached through it alone',
    problems: networkProblems,
    breaks: [
      ['"publicNetworkAccess":"Disabled"', '"publicNetworkAccess":"Enabled"', 'reached from outside'],
      ['"groupIds":["table"]', '"groupIds":["file"]', 'no private endpoint of table'],
      [
        /privatelink\.blob\.core\.usgovcloudapi\.net/g,
        'privatelink.blob.core.windows.net',
        'no zone of blob',
      ],
      ['Microsoft.App/environments', 'Microsoft.Web/serverFarms', 'not delegated'],
      [
        /("privateDnsZoneId":"[^"]+)privatelink\.queue/,
        '$1privatelink.blob',
        'no endpoint is in the zone of queue',
      ],
    ],
  },
];

describeCompiled('templates', () => {
  describe.each(checks)('$holds', ({ problems, breaks }) => {
    const inNetwork = () => deployMain({ vnetEnabled: true });

    test('in the project', () => {
      expect(problems(inNetwork())).toEqual([]);
    });

    test.each(breaks)('and a break of it is found (%#)', (from, to, said) => {
      const text = JSON.stringify(inNetwork());
      const changed = typeof from === 'string' ? text.replaceAll(from, to) : text.replace(from, to);
      expect(changed).not.toBe(text);
      expect(problems(JSON.parse(changed) as Deployment).join('\n')).toContain(said);
    });
  });

  describe('each value that a parameter allows makes settings that the app accepts', () => {
    const allowed = (parameter: string) =>
      templateOf(sources, 'infra/main.bicep').parameters[parameter]?.allowedValues;

    test('every cloud and every region', () => {
      expect(allowed('defenderCloud')).toEqual(CLOUD_NAMES);
      expect(allowed('defenderGeo')).toEqual(['', ...GEO_NAMES]);
      const settings = appSettings(deployMain({ defenderGeo: 'eu' }));
      expect(settings).toMatchObject({ DEFENDER_CLOUD: 'commercial', DEFENDER_GEO: 'eu' });
      for (const cloud of CLOUD_NAMES) {
        expect(settingsProblems({ ...appSettings(deployMain()), DEFENDER_CLOUD: cloud })).toEqual([]);
      }
      for (const geo of GEO_NAMES) {
        expect(settingsProblems({ ...settings, DEFENDER_GEO: geo })).toEqual([]);
      }
    });

    test('everything turned on', () => {
      const settings = appSettings(deployMain(everything));
      expect(settingsProblems(settings)).toEqual([]);
      expect(settings).toMatchObject({ HTTP_AUTHORIZATION: 'entra', ALERT_POLL_SCHEDULE: '0 */5 * * * *' });
    });
  });

  test('where customers are served, the app may read their table and the operator write it', () => {
    const deployment = deployMain({ defenderAppId: ENTRA_APP });
    const settings = appSettings(deployment);
    expect(settings).toMatchObject({ DEFENDER_APP_ID: ENTRA_APP, TENANTS_TABLE: 'Tenants' });
    expect(settingsProblems(settings)).toEqual([]);
    const held = grantsOf(deployment)
      .filter(({ scope }) => scope.endsWith('/tables/Tenants'))
      .map(({ principal, role }) => [principal, ROLES.get(role)?.name]);
    expect(held).toEqual([
      [PRINCIPAL_ID, 'Storage Table Data Reader'],
      [OPERATOR, 'Storage Table Data Contributor'],
    ]);
    expect(appSettings(deployMain())).not.toHaveProperty('DEFENDER_APP_ID');
  });

  test('further settings reach the app, and cannot replace what the template sets', () => {
    const extraSettings = { REUSE_FOR: '1h', AZURE_CLIENT_ID: OPERATOR };
    const settings = appSettings(deploy(sources, 'infra/resources.bicep', { extraSettings }));
    expect(settings.REUSE_FOR).toBe('1h');
    expect(settings.AZURE_CLIENT_ID).not.toBe(OPERATOR);
  });

  test('the template for a resource group needs no parameter', () => {
    const { outputs } = deploy(sources, 'infra/resources.bicep', {});
    expect(outputs.AZURE_FUNCTION_APP_NAME).toMatch(/^func-enrichment-[a-z0-9]{13}$/);
  });

  test('a package is deployed only where one is named', () => {
    const packages = (packageUri: string) =>
      resourcesOf(deploy(sources, 'infra/resources.bicep', { packageUri }), 'Microsoft.Web/sites/extensions');
    expect(packages('')).toEqual([]);
    expect(packages('https://example.com/package.zip')).toMatchObject([
      { name: 'onedeploy', body: { properties: { packageUri: 'https://example.com/package.zip' } } },
    ]);
  });

  test('the source that is asked for reaches the app and the grant scripts', () => {
    expect(appSettings(deployMain())).toMatchObject({ ENRICHMENT_SOURCE: 'defender' });
    const { ENRICHMENT_SOURCE } = deployMain({ ...everything, enrichmentSource: 'auto' }).outputs;
    expect(ENRICHMENT_SOURCE).toBe('auto');
  });

  test('without a virtual network nothing of one is made', () => {
    const { resources } = deployMain();
    expect(resources.filter(({ type }) => type.startsWith('Microsoft.Network/'))).toEqual([]);
  });

  describe('the operator', () => {
    const held = (deployment: Deployment) =>
      grantsOf(deployment)
        .filter(({ principal }) => principal !== PRINCIPAL_ID)
        .map(({ principal, role, scope }) => [principal, ROLES.get(role)?.name, scope.split('/').at(-1)]);

    test('may read and write queues and tables, and nothing else', () => {
      expect(held(deployMain())).toEqual([
        [OPERATOR, 'Storage Queue Data Contributor', 'alerts'],
        [OPERATOR, 'Storage Queue Data Contributor', 'alerts-poison'],
        [OPERATOR, 'Storage Queue Data Contributor', 'enrichments'],
        [OPERATOR, 'Storage Table Data Contributor', 'AlertEnrichments'],
        [OPERATOR, 'Storage Table Data Contributor', 'EnrichmentState'],
      ]);
    });

    test('is nobody where the template for a resource group names none', () => {
      expect(held(deploy(sources, 'infra/resources.bicep', {}))).toEqual([]);
    });

    test('is, where azd names none, the person who deploys, and never a pipeline', () => {
      const { resources } = deployMain({ operatorPrincipalId: '' });
      const open = resources.filter(({ condition }) => condition !== undefined);
      expect(open).toHaveLength(5);
      // Only Azure knows who deploys, so the rule itself is looked at.
      const module = templateOf(sources, 'infra/main.bicep').resources.find(
        ({ type }) => type === 'Microsoft.Resources/deployments',
      );
      expect(module?.properties?.parameters?.operatorPrincipalId).toBe(
        "[if(variables('isOperatedByDeployer'), createObject('value', deployer().objectId), createObject('value', parameters('operatorPrincipalId')))]",
      );
      expect(templateOf(sources, 'infra/main.bicep').variables.isOperatedByDeployer).toBe(
        "[and(empty(parameters('operatorPrincipalId')), contains(deployer(), 'userPrincipalName'))]",
      );
    });
  });

  describe('the app is watched from outside', () => {
    const watched = (parameters: Record<string, unknown> = {}) => {
      const deployment = deployMain(parameters);
      const [test] = resourcesOf(deployment, 'Microsoft.Insights/webtests');
      const [rule] = resourcesOf(deployment, 'Microsoft.Insights/metricAlerts');
      return { test: test?.body.properties, rule: rule?.body.properties, testId: test?.id };
    };

    test('by calls of the one path that is open with keys and with Entra ID', () => {
      const { test, rule, testId } = watched(everything);
      expect(test).toMatchObject({
        Request: { RequestUrl: expect.stringMatching(/^https:\/\/func-enrichment-\w+\.[^/]+\/api\/live$/) },
        ValidationRules: { ExpectedHttpStatusCode: 200 },
      });
      expect(rule).toMatchObject({
        criteria: { webTestId: testId, failedLocationCount: 2 },
        actions: [{ actionGroupId: expect.stringContaining('-mail') }],
      });
    });

    test('and not where that is turned off', () => {
      expect(watched({ availabilityTest: false })).toEqual({});
    });
  });

  test('storage has the copies that are asked for, and a lock only where it is asked for', () => {
    const sku = (deployment: Deployment) =>
      resourcesOf(deployment, 'Microsoft.Storage/storageAccounts').map(({ body }) => body.sku);
    const locks = (deployment: Deployment) => resourcesOf(deployment, 'Microsoft.Authorization/locks');
    expect(sku(deployMain())).toEqual([{ name: 'Standard_LRS' }]);
    expect(locks(deployMain())).toEqual([]);
    const kept = deployMain({ deleteLock: true, storageRedundancy: 'Standard_GZRS' });
    expect(sku(kept)).toEqual([{ name: 'Standard_GZRS' }]);
    expect(locks(kept)).toMatchObject([
      {
        scope: expect.stringContaining('/storageAccounts/'),
        body: { properties: { level: 'CanNotDelete' } },
      },
    ]);
  });

  test('few instances are the default, and updates recreate them', () => {
    const [app] = resourcesOf(deployMain(), 'Microsoft.Web/sites');
    expect(app?.body.properties).toMatchObject({
      functionAppConfig: {
        scaleAndConcurrency: { maximumInstanceCount: 3 },
        siteUpdateStrategy: { type: 'Recreate' },
      },
    });
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
                openIdIssuer: `https://login.microsoftonline.com/${TENANT_ID}/v2.0`,
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
});
