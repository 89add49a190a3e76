import { describe, expect, test } from 'vitest';
import { problemsWith, settingsWith } from './problems.ts';

const appId = '11111111-2222-4333-8444-555555555555';
const identity = '99999999-2222-4333-8444-555555555555';
const federated = { DEFENDER_APP_ID: appId, AZURE_CLIENT_ID: identity };

describe("the sign-in to customers' tenants", () => {
  test.each([
    ['commercial', 'https://login.microsoftonline.com', 'api://AzureADTokenExchange/.default'],
    ['gcc', 'https://login.microsoftonline.com', 'api://AzureADTokenExchange/.default'],
    ['gcc-high', 'https://login.microsoftonline.us', 'api://AzureADTokenExchangeUSGov/.default'],
    ['dod', 'https://login.microsoftonline.us', 'api://AzureADTokenExchangeUSGov/.default'],
  ])('of %s goes to the sign-in service of that cloud', (cloud, authorityHost, exchangeScope) => {
    expect(settingsWith({ ...federated, DEFENDER_CLOUD: cloud }).tenants).toEqual({
      table: 'Tenants',
      app: { appId, identityClientId: identity, authorityHost, exchangeScope },
    });
  });

  test('needs a user-assigned identity', () => {
    expect(problemsWith({ DEFENDER_APP_ID: appId })).toEqual({
      DEFENDER_APP_ID: expect.stringContaining('`AZURE_CLIENT_ID` must be set as well'),
    });
  });

  test.each([
    ['https://login.microsoftonline.us/', 'Production', 'https://login.microsoftonline.us'],
    ['https://127.0.0.1:8443', 'Development', 'https://127.0.0.1:8443'],
  ])('may be sent to %s in %s', (host, environment, authorityHost) => {
    const settings = { ...federated, AZURE_AUTHORITY_HOST: host, AZURE_FUNCTIONS_ENVIRONMENT: environment };
    expect(settingsWith(settings).tenants.app).toMatchObject({ authorityHost });
  });

  test.each([
    ['https://127.0.0.1:8443', 'Production'],
    ['http://127.0.0.1:8443', 'Development'],
    ['http://login.microsoftonline.com', 'Production'],
    ['https://login.microsoftonline.com:8443', 'Production'],
    ['https://login.microsoftonline.com@evil.example', 'Production'],
    ['https://login.microsoftonline.com.evil.example', 'Production'],
    ['https://login.microsoftonline.com/common', 'Production'],
    ['login.microsoftonline.com', 'Production'],
  ])('is never sent to %s in %s', (host, environment) => {
    const settings = { ...federated, AZURE_AUTHORITY_HOST: host, AZURE_FUNCTIONS_ENVIRONMENT: environment };
    expect(problemsWith(settings)).toEqual({ AZURE_AUTHORITY_HOST: expect.stringContaining('allowed: ') });
  });

  test.each(['EnrichmentState', 'alertenrichments'])(
    'keeps the tenants in a table of their own, not in %s',
    (table) => {
      expect(problemsWith({ ...federated, TENANTS_TABLE: table })).toEqual({
        TENANTS_TABLE: expect.stringContaining('neither the enrichments table nor the state table'),
      });
    },
  );
});

test('a deployment of one tenant is asked nothing of the kind', () => {
  const today = { AZURE_AUTHORITY_HOST: 'https://sts.example', STATE_TABLE: 'Tenants' };
  expect(settingsWith(today).tenants).toEqual({ table: 'Tenants', app: undefined });
});
