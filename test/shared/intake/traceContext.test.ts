import { describe, expect, test } from 'vitest';
import { readOrder } from '#shared/intake/order.ts';
import { ALERT_ID, NOW, read } from './support.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const other = '00-11111111111111111111111111111111-2222222222222222-00';
const tracestate = 'soc=7';
const traceOf = ({ submissions }: ReturnType<typeof read>) =>
  submissions.map((submission) => [submission.traceparent, submission.tracestate]);

describe('the trace that an alert belongs to is taken from', () => {
  test('the object form, and the list for all of its alerts', () => {
    expect(traceOf(read({ alertId: ALERT_ID, traceparent, tracestate }))).toEqual([
      [traceparent, tracestate],
    ]);
    expect(traceOf(read({ alertIds: ['a1', 'a2'], traceparent }))).toEqual([
      [traceparent, undefined],
      [traceparent, undefined],
    ]);
  });

  test('the extension of a CloudEvent, unless its data says otherwise', () => {
    const event = { specversion: '1.0', id: 'e1', source: '/s', type: 't', traceparent, tracestate };
    expect(traceOf(read({ ...event, data: ALERT_ID }))).toEqual([[traceparent, tracestate]]);
    expect(traceOf(read({ ...event, data: { alertId: ALERT_ID, traceparent: other } }))).toEqual([
      [other, undefined],
    ]);
  });

  test('the request of an order, unless the alert says otherwise', () => {
    const order = readOrder(['a1', { alertId: 'a2', traceparent: other }], 'order', NOW, {
      traceparent,
      tracestate,
    });
    expect(
      order?.submissions.map(({ submission }) => [submission.traceparent, submission.tracestate]),
    ).toEqual([
      [traceparent, tracestate],
      [other, undefined],
    ]);
  });
});

test.each([
  'nonsense',
  7,
  { deep: true },
  '00-00000000000000000000000000000000-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
])('what is no traceparent costs no alert: %j', (nonsense) => {
  const messages = [
    { alertId: ALERT_ID, traceparent: nonsense },
    { alertIds: [ALERT_ID], traceparent: nonsense },
    { specversion: '1.0', id: 'e1', source: '/s', type: 't', traceparent: nonsense, data: ALERT_ID },
  ];
  for (const message of messages) {
    const { submissions, rejections } = read(message);
    expect(rejections).toEqual([]);
    expect(submissions).toMatchObject([{ alertId: ALERT_ID }]);
    expect(submissions[0]?.traceparent).toBeUndefined();
  }
  const order = readOrder(ALERT_ID, 'order', NOW, { traceparent: nonsense as string, tracestate });
  expect(order?.submissions[0]?.submission).toMatchObject({ alertId: ALERT_ID });
  expect(order?.submissions[0]?.submission).not.toHaveProperty('tracestate');
});
