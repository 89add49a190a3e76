import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readSettings } from '#shared/config/settings.ts';
import { problemsOf } from './problems.ts';

const withKey =
  'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0==;EndpointSuffix=core.windows.net';
const withSignature =
  'QueueEndpoint=https://a.queue.core.windows.net/;TableEndpoint=https://a.table.core.windows.net/;SharedAccessSignature=sv=2024&sig=c2VjcmV0';
const addresses = {
  AlertsStorage__queueServiceUri: 'https://a.queue.core.windows.net/',
  AlertsStorage__tableServiceUri: 'https://a.table.core.windows.net',
};
const identity = {
  kind: 'identity',
  queueServiceUri: 'https://a.queue.core.windows.net',
  tableServiceUri: 'https://a.table.core.windows.net',
  credential: 'default',
};
const clientId = '3f2504e0-4f89-11d3-9a0c-0305e82c3301';

const HIDDEN = 'got a value that is not shown because it may hold a secret; allowed: ';

describe('the storage connection', () => {
  test.each([
    ['the emulator', 'UseDevelopmentStorage=true'],
    ['an account key', withKey],
    ['a shared access signature', withSignature],
  ])('may be a connection string with %s', (_, connectionString) => {
    expect(readSettings({ AlertsStorage: connectionString }).storage).toEqual({
      kind: 'connectionString',
      connectionString,
    });
  });

  test('may spell the names of a connection string as it likes, as in the Functions host', () => {
    expect(readSettings({ AlertsStorage: ' accountname = a;ACCOUNTKEY=b==;' }).storage).toEqual({
      kind: 'connectionString',
      connectionString: 'AccountName=a;AccountKey=b==',
    });
  });

  test('hands its token to Azure Storage only, in any cloud', () => {
    for (const domain of [
      'queue.core.windows.net',
      'queue.core.usgovcloudapi.net',
      'queue.core.chinacloudapi.cn',
      'z12.queue.storage.azure.net',
    ]) {
      const address = `https://account.${domain}`;
      const settings = { ...addresses, AlertsStorage__queueServiceUri: address };
      expect(readSettings(settings).storage).toMatchObject({ queueServiceUri: address });
    }
    for (const host of ['core.windows.net.evil.example', 'evil-core.windows.net.example', 'a.example']) {
      expect(problemsOf({ ...addresses, AlertsStorage__queueServiceUri: `https://${host}` })).toHaveProperty(
        'AlertsStorage__queueServiceUri',
      );
    }
  });

  test('may be on this machine for development only', () => {
    const local = {
      AlertsStorage__queueServiceUri: 'https://127.0.0.1:10001/devstoreaccount1',
      AlertsStorage__tableServiceUri: 'https://127.0.0.1:10002/devstoreaccount1',
    };
    expect(Object.keys(problemsOf(local))).toEqual(Object.keys(local));
    const development = { ...local, AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };
    expect(readSettings(development).storage).toMatchObject({ kind: 'identity' });
  });

  test.each([
    'alerts',
    'UseDevelopmentStorage=false',
    'https://a.queue.core.windows.net',
    'AccountName=a',
    'AccountName=a;AccountKey=',
    'SharedAccessSignature=sv=1&sig=c2VjcmV0;QueueEndpoint=https://a.queue.core.windows.net/',
    '@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/storage)',
  ])('may not be %j, and does not show it', (AlertsStorage) => {
    expect(problemsOf({ AlertsStorage })).toEqual({
      AlertsStorage: expect.stringContaining(`${HIDDEN}a connection string with an account key`),
    });
  });

  test('must be given', () => {
    expect(problemsOf({})).toEqual({
      AlertsStorage: expect.stringMatching(
        /^got nothing; allowed: a connection string .* `AlertsStorage__queueServiceUri` with/,
      ),
    });
  });

  test('may be by identity, at two addresses', () => {
    expect(readSettings(addresses).storage).toEqual(identity);
  });

  test('may be by identity, at the name of an account in the public cloud', () => {
    expect(readSettings({ AlertsStorage__accountName: 'a23' }).storage).toEqual({
      ...identity,
      queueServiceUri: 'https://a23.queue.core.windows.net',
      tableServiceUri: 'https://a23.table.core.windows.net',
    });
  });

  test('may name the managed identity', () => {
    const settings = {
      ...addresses,
      AlertsStorage__credential: 'ManagedIdentity',
      AlertsStorage__clientId: clientId,
    };

    expect(readSettings(settings).storage).toEqual({ ...identity, credential: 'managedidentity', clientId });
  });

  test('needs both addresses', () => {
    const { AlertsStorage__queueServiceUri, AlertsStorage__tableServiceUri } = addresses;

    expect(problemsOf({ AlertsStorage__queueServiceUri })).toEqual({
      AlertsStorage__tableServiceUri: expect.stringMatching(
        /^got nothing; allowed: an https address of Azure Storage such as `https:..<account>.table/,
      ),
    });
    expect(problemsOf({ AlertsStorage__tableServiceUri })).toEqual({
      AlertsStorage__queueServiceUri: expect.stringMatching(
        /^got nothing; allowed: an https address of Azure Storage such as `https:..<account>.queue/,
      ),
    });
  });

  test.each([
    'http://a.queue.core.windows.net',
    'a.queue.core.windows.net',
    'https://user:c2VjcmV0@a.example',
    'https://a.example/?sig=c2VjcmV0',
    'https://a.example/#x',
    withKey,
  ])('may not be at %j, and does not show it', (address) => {
    const problems = problemsOf({
      AlertsStorage__queueServiceUri: address,
      AlertsStorage__tableServiceUri: address,
    });

    expect(problems).toEqual({
      AlertsStorage__queueServiceUri: expect.stringContaining(`${HIDDEN}an https address`),
      AlertsStorage__tableServiceUri: expect.stringContaining(`${HIDDEN}an https address`),
    });
  });

  test('lists what is wrong with an identity', () => {
    const settings = {
      AlertsStorage__accountName: 'A.b',
      AlertsStorage__credential: 'key',
      AlertsStorage__clientId: 'me',
    };

    expect(problemsOf(settings)).toEqual({
      AlertsStorage__accountName: `${HIDDEN}3 to 24 lower-case letters and digits.`,
      AlertsStorage__credential: 'got "key"; allowed: `managedidentity`.',
      AlertsStorage__clientId: 'got "me"; allowed: a client ID (GUID), not the principal ID.',
    });
  });

  test('is the connection string where both forms are set, as in the Functions host', () => {
    expect(readSettings({ AlertsStorage: withKey, ...addresses }).storage.kind).toBe('connectionString');
  });

  test('is first looked for under the prefix of the Functions host, and then nowhere else', () => {
    const prefixed = { AzureWebJobsAlertsStorage__accountName: 'a23' };

    expect(readSettings({ AlertsStorage: withKey, ...prefixed }).storage.kind).toBe('identity');
    expect(readSettings({ ...addresses, AzureWebJobsAlertsStorage: withKey }).storage.kind).toBe(
      'connectionString',
    );
    expect(readSettings({ AlertsStorage: withKey, AzureWebJobsAlertsStorage: '' }).storage.kind).toBe(
      'connectionString',
    );
  });

  test('is called by the name it was given when it is wrong', () => {
    const settings = {
      AlertsStorage: withKey,
      AzureWebJobsAlertsStorage__queueServiceUri: 'https://a.queue.core.windows.net',
    };

    expect(Object.keys(problemsOf(settings))).toEqual(['AzureWebJobsAlertsStorage__tableServiceUri']);
  });

  test('never lets a key into a message, whichever setting it was put into', () => {
    const names = [
      'ALERTS_QUEUE',
      'STATE_TABLE',
      'AlertsStorage__queueServiceUri',
      'AlertsStorage__accountName',
      'AlertsStorage__credential',
      'AlertsStorage__clientId',
      'DEFENDER_API_URL',
      'DEFENDER_TOKEN_SCOPE',
      'AZURE_CLIENT_ID',
      'MAX_AGE',
      'DEFENDER_UNKNOWN',
    ];
    const secretHolder = fc.constantFrom(
      withKey,
      withSignature,
      'https://user:c2VjcmV0@a.example',
      'https://a.example?x=c2VjcmV0',
    );
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), secretHolder, (chosen, value) => {
        const problems = problemsOf(Object.fromEntries(chosen.map((name) => [name, value])));
        expect(Object.keys(problems)).not.toHaveLength(0);
        expect(JSON.stringify(problems)).not.toContain('c2VjcmV0');
      }),
    );
  });
});
