import { InvocationContext } from '@azure/functions';
import { expect, test } from 'vitest';
import { createEnrichAlert } from '#functions/handlers/enrichAlert.ts';
import { createWorld } from '../shared/pipeline/world.ts';

test('a message that is done does not come again because the quota cannot be told', async () => {
  const world = createWorld();
  const home = { ...world.receiver.home, reportQuota: () => Promise.reject(new Error('down')) };
  const handle = createEnrichAlert({
    receiver: { home, route: async () => ({ kind: 'served', scope: home }) },
    provisionStorage: async () => [],
    takeSourceEvents: () => [],
  });
  const events: unknown[] = [];
  const context = new InvocationContext({ logHandler: (_, text) => events.push(JSON.parse(String(text))) });
  await handle('alert-1', context);
  expect(world.published).toHaveLength(1);
  expect(events).toMatchObject([
    { event: 'submission', result: 'enriched' },
    { event: 'quota_failed', detail: 'Error: down' },
  ]);
});
