import { expect, test } from 'vitest';
import { MAX_ORDER, readOrder } from '#shared/intake/order.ts';
import { NOW } from './support.ts';

const read = (value: unknown) => readOrder(value, 'order', NOW);

test('each part of an order keeps its place, valid or not', () => {
  const order = read([
    'da1_1',
    'a/b',
    { alertId: 'da1_2', correlationId: 7 },
    { alertId: 'da1_3', refresh: 'x' },
  ]);
  expect(order?.submissions).toEqual([
    {
      index: 0,
      submission: {
        alertId: 'da1_1',
        submissionId: 'order.0',
        firstSeen: NOW.toISOString(),
        attempts: 0,
        notFoundAnswers: 0,
        deferrals: 0,
      },
    },
    { index: 2, submission: expect.objectContaining({ submissionId: 'order.2', correlationId: '7' }) },
  ]);
  expect(order?.rejected).toMatchObject([
    { index: 1, reason: 'bad-alert-id' },
    { index: 3, reason: 'bad-field', alertId: 'da1_3' },
  ]);
});

test('one alert is an order too', () => {
  expect(read('da1_1')?.submissions).toMatchObject([{ index: 0, submission: { submissionId: 'order.0' } }]);
  expect(read({ hello: 'world' })).toMatchObject({ submissions: [], rejected: [{ index: 0 }] });
});

test('nobody outside may say how far a submission has come', () => {
  const submission = { alertId: 'da1_1', submissionId: 's', firstSeen: NOW.toISOString() };
  const order = read({ kind: 'submission', version: 1, submission });
  expect(order).toMatchObject({ submissions: [], rejected: [{ reason: 'not-an-alert' }] });
});

test('an order has its limit, also beyond that of a message', () => {
  expect(read(Array(MAX_ORDER).fill('da1_1'))?.submissions).toHaveLength(MAX_ORDER);
  expect(read(Array(MAX_ORDER + 1).fill('da1_1'))).toBeUndefined();
  expect(read({ alertIds: Array(5_000).fill('da1_1') })).toBeUndefined();
});

test('a body that is deep in one place and long in another is read without an error', () => {
  const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
  const order = read({ alertId: [deep, Array(300_000).fill(1)] });
  expect(order?.rejected).toMatchObject([{ reason: 'bad-alert-id' }]);
});
