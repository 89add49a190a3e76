import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBulkhead, PLACES } from '#shared/pipeline/bulkhead.ts';
import hostSettings from '../../../host.json' with { type: 'json' };

/** Takes as many places as the tenant can get. */
function fill(bulkhead: ReturnType<typeof createBulkhead>, tenant: string): (() => void)[] {
  const leaves: (() => void)[] = [];
  for (let leave = bulkhead.enter(tenant); leave !== undefined; leave = bulkhead.enter(tenant)) {
    leaves.push(leave);
  }
  return leaves;
}

test.each([
  [1, 24],
  [2, 36],
  [5, 47],
])('%d tenants that take what they can get leave places for another', (tenants, most) => {
  const bulkhead = createBulkhead(48);
  const taken = Array.from({ length: tenants }, (_, number) => fill(bulkhead, `slow-${number}`)).flat();
  expect(taken.length).toBeLessThanOrEqual(most);
  expect(bulkhead.enter('other')).toBeDefined();
});

test('what is given back can be taken again, by others too', () => {
  const bulkhead = createBulkhead(8);
  const places = fill(bulkhead, 'one');
  expect(places).toHaveLength(4);
  expect(bulkhead.enter('one')).toBeUndefined();
  places.pop()?.();
  expect(bulkhead.enter('one')).toBeDefined();
  expect(fill(bulkhead, 'other')).toHaveLength(2);
});

test('a tenant with nothing under way finds a place while any is free, however others came and went', () => {
  const tenant = fc.integer({ min: 0, max: 5 }).map((number) => `tenant-${number}`);
  const step = fc.record({ tenant, enters: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const bulkhead = createBulkhead(48);
      const held = new Map<string, (() => void)[]>();
      for (const { tenant: name, enters } of steps) {
        const own = held.get(name) ?? [];
        held.set(name, own);
        if (enters) {
          const leave = bulkhead.enter(name);
          if (leave !== undefined) {
            own.push(leave);
          }
        } else {
          own.pop()?.();
        }
      }
      const taken = [...held.values()].reduce((sum, own) => sum + own.length, 0);
      expect(taken).toBeLessThan(48);
      expect(bulkhead.enter('new')).toBeDefined();
    }),
  );
});

test('there are as many places as the host hands messages to one process', () => {
  const { batchSize, newBatchThreshold } = hostSettings.extensions.queues;
  expect(PLACES).toBe(batchSize + newBatchThreshold);
});
