import { describe, expect, test } from 'vitest';
import { openQueue, openTable, resolveConnection } from '#dev/host/connections.ts';

describe('A connection', () => {
  test('is a connection string, under the prefixed name first', () => {
    const settings = { AzureWebJobsStore: 'prefixed', Store: 'plain', Store__queueServiceUri: 'https://uri' };
    expect(resolveConnection('Store', 'queue', settings)).toMatchObject({ connectionString: 'prefixed' });
    expect(resolveConnection('Store', 'queue', { ...settings, AzureWebJobsStore: '' })).toMatchObject({
      connectionString: 'plain',
    });
  });

  test('without a name is AzureWebJobsStorage', () => {
    expect(resolveConnection('', 'queue', { AzureWebJobsStorage: 'default' })).toMatchObject({
      connectionString: 'default',
    });
  });

  test.each([
    [{ Store__queueServiceUri: 'https://one.example' }, 'https://one.example'],
    [{ Store__serviceUri: 'https://any.example' }, 'https://any.example'],
    [{ Store__accountName: 'acme' }, 'https://acme.queue.core.windows.net'],
    [{ 'Store:queueServiceUri': 'https://colon.example' }, 'https://colon.example'],
  ])('in identity form %j reaches %s', (settings, serviceUri) => {
    expect(resolveConnection('Store', 'queue', settings)).toMatchObject({ kind: 'identity', serviceUri });
  });

  test('opens queues and tables, of the emulator and by identity', () => {
    const emulator = { Store: 'UseDevelopmentStorage=true' };
    expect(openQueue('Store', 'work', emulator).url).toBe('http://127.0.0.1:10001/devstoreaccount1/work');
    expect(openTable('Store', 'Rows', emulator).url).toBe('http://127.0.0.1:10002/devstoreaccount1');
    const identity = {
      Store__accountName: 'acme',
      Store__credential: 'managedidentity',
      Store__clientId: 'id',
    };
    expect(openQueue('Store', 'work', identity).url).toBe('https://acme.queue.core.windows.net/work');
  });

  test('that is not set names the settings to add', () => {
    expect(() => resolveConnection('Store', 'queue', {})).toThrow(
      /"Store" is not set\. Set Store to a connection string .* or Store__queueServiceUri/,
    );
  });
});
