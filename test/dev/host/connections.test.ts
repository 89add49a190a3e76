import { describe, expect, test } from 'vitest';
import { openQueue, resolveConnection } from '#dev/host/connections.ts';

describe('A connection', () => {
  test('is a connection string, under the prefixed name first', () => {
    const settings = { AzureWebJobsStore: 'prefixed', Store: 'plain', Store__queueServiceUri: 'https://uri' };
    expect(resolveConnection('Store', settings)).toMatchObject({ connectionString: 'prefixed' });
    expect(resolveConnection('Store', { ...settings, AzureWebJobsStore: '' })).toMatchObject({
      connectionString: 'plain',
    });
  });

  test('without a name is AzureWebJobsStorage', () => {
    expect(resolveConnection('', { AzureWebJobsStorage: 'default' })).toMatchObject({
      connectionString: 'default',
    });
  });

  test.each([
    [{ Store__queueServiceUri: 'https://one.example' }, 'https://one.example'],
    [{ Store__serviceUri: 'https://any.example' }, 'https://any.example'],
    [{ Store__accountName: 'acme' }, 'https://acme.queue.core.windows.net'],
    [{ 'Store:queueServiceUri': 'https://colon.example' }, 'https://colon.example'],
  ])('in identity form %j reaches %s', (settings, serviceUri) => {
    expect(resolveConnection('Store', settings)).toMatchObject({ kind: 'identity', serviceUri });
  });

  test('opens queues, of the emulator and by identity', () => {
    const emulator = { Store: 'UseDevelopmentStorage=true' };
    expect(openQueue('Store', 'work', emulator).url).toBe('http://127.0.0.1:10001/devstoreaccount1/work');
    const identity = {
      Store__accountName: 'acme',
      Store__credential: 'managedidentity',
      Store__clientId: 'id',
    };
    expect(openQueue('Store', 'work', identity).url).toBe('https://acme.queue.core.windows.net/work');
  });

  test('that is not set names the settings to add', () => {
    expect(() => resolveConnection('Store', {})).toThrow(
      /"Store" is not set\. Set Store to a connection string .* or Store__queueServiceUri/,
    );
  });
});
