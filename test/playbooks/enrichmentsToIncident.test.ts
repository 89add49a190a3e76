import { expect, test } from 'vitest';
import { toMessageText } from '#shared/storage/queueOutbox.ts';
import published from '../../docs/schema/examples/enrichment.json' with { type: 'json' };
import notFound from '../../docs/schema/examples/enrichment-not-found.json' with { type: 'json' };
import pointer from '../../docs/schema/examples/enrichment-pointer.json' with { type: 'json' };
import { hostileTexts } from '../shared/summary/hostileTexts.ts';
import { enrichment, json } from './support/enrichments.ts';
import type { Json, JsonObject } from './support/evaluate.ts';
import { incidentId, incidentUrl } from './support/incidents.ts';
import { functionAppAudience, functionAppUrl, runPlaybook } from './support/playbooks.ts';
import { SentinelIncident } from './support/sentinel.ts';
import type { Response } from './support/workflowRun.ts';

const submissionId = '3e1f6c0a-52d5-4a55-9d0b-6f2f5a9f7a11';
const webhookUrl = 'https://soc.contoso.example/hooks/devices';

interface Delivery {
  /** How old the message is, in hours. */
  age?: number;
  /** When it was added, as the connector says it. */
  insertionTime?: string;
  given?: Record<string, Json>;
  sentinel?: SentinelIncident;
  /** What the app knows of an alert. */
  app?: Response;
  webhook?: Response;
}

/** Delivers a message as the connector hands it to one run. */
function deliver(messageText: string, delivery: Delivery = {}) {
  const {
    age = 0.01,
    insertionTime = 'Mon, 23 Nov 2026 12:00:01 GMT',
    sentinel = new SentinelIncident(),
    given = {},
    app,
    webhook,
  } = delivery;
  const result = runPlaybook('enrichments-to-incident', {
    given,
    now: new Date(Date.UTC(2026, 10, 23, 12, 0, 1) + age * 3_600_000),
    triggerBody: {
      MessageId: '5974b586-0df3-4e2d-ad0c-18e3892bfca2',
      InsertionTime: insertionTime,
      ExpirationTime: 'Mon, 30 Nov 2026 12:00:01 GMT',
      PopReceipt: 'AgAAAAMAAAAAAAAA+a/b=',
      TimeNextVisible: 'Mon, 23 Nov 2026 12:10:01 GMT',
      MessageText: messageText,
    },
    answer: (request) => {
      if (request.url === webhookUrl) {
        return webhook ?? { status: 204 };
      }
      if (request.url.startsWith(functionAppUrl)) {
        return app ?? { status: 404, body: { title: 'unknown' } };
      }
      if (request.method === 'DELETE') {
        return { status: 200 };
      }
      return sentinel.answer(request);
    },
  });
  const [comment] = [...sentinel.comments.values()];
  return {
    ...result,
    sentinel,
    text: comment?.message ?? '',
    actions: result.requests.map(({ action }) => action),
  };
}

const encoded = (message: unknown) => toMessageText(JSON.stringify(message));
const forIncident = { correlationId: incidentId };

test('an enrichment becomes a comment and tags of the incident that it names, and the message is deleted', () => {
  const machine = { riskScore: 'High', exposureLevel: 'High' };
  const message = enrichment('da1_1', { machine, submission: { ...forIncident, submissionId } });
  const { status, actions, requests, text, sentinel } = deliver(encoded(message));
  expect(status).toBe('Succeeded');
  expect(actions).toEqual(['Find_comment', 'Write_comment', 'Get_incident', 'Add_tags', 'Delete_message']);
  expect(requests[1]).toMatchObject({
    url: `${incidentUrl}/comments/${submissionId}?api-version=2025-09-01`,
    signIn: 'https://management.azure.com/',
  });
  expect(text).toContain('<p><strong>Device behind alert da1_1</strong></p>');
  expect(text).toContain('da1_1.contoso.com');
  expect(sentinel.labels).toEqual(['High risk device', 'High exposure device']);
  expect(requests.at(-1)?.url).toBe(
    '/v2/storageAccounts/https%253A%252F%252Fcontosoenrichment.queue.core.windows.net/queues/enrichments/messages/5974b586-0df3-4e2d-ad0c-18e3892bfca2?popreceipt=AgAAAAMAAAAAAAAA%2Ba%2Fb%3D',
  );
});

test('a message that arrives again changes nothing but the queue', () => {
  const message = encoded(enrichment('da1_1', { submission: forIncident, machine: { riskScore: 'High' } }));
  const { sentinel } = deliver(message);
  const again = deliver(message, { sentinel, age: 1 });
  expect(again.status).toBe('Succeeded');
  expect(again.actions).toEqual(['Find_comment', 'Get_incident', 'Delete_message']);
  expect(sentinel.comments.size).toBe(1);
  expect(sentinel.labels).toEqual(['High risk device']);
});

test('each submission of a list has a comment of its own, under a GUID made of its ID', () => {
  const sentinel = new SentinelIncident();
  for (const index of [0, 7, 1_999]) {
    deliver(
      encoded(
        enrichment('da1_1', { submission: { ...forIncident, submissionId: `${submissionId}.${index}` } }),
      ),
      { sentinel },
    );
  }
  expect([...sentinel.comments.keys()]).toEqual([
    '3e1f6c0a-52d5-4a55-9d0b-000000000000',
    '3e1f6c0a-52d5-4a55-9d0b-000000000007',
    '3e1f6c0a-52d5-4a55-9d0b-000000001999',
  ]);
});

test.each([
  ['enriched', published],
  ['not_found', notFound],
  ['failed', json(enrichment('da1_1', { outcome: 'failed' }))],
])('the outcome %s is told', (outcome, message) => {
  const { status, text } = deliver(encoded({ ...(message as JsonObject), ...forIncident }));
  expect(status).toBe('Succeeded');
  expect(text).toContain({ enriched: 'Risk level', not_found: 'No device', failed: 'could not' }[outcome]);
});

test('a pointer is filled in from the app', () => {
  const message = { ...pointer, ...forIncident };
  const whole = enrichment(pointer.alertId, {
    machine: { riskScore: 'High' },
    submission: { submissionId: 'other', metadata: { of: 'another' } },
  });
  const { status, requests, text, sentinel } = deliver(encoded(message), {
    app: { status: 200, body: json(whole) },
    given: { webhookUrl },
  });
  expect(status).toBe('Succeeded');
  expect(requests[0]).toMatchObject({
    url: `${functionAppUrl}/api/enrichments/${pointer.alertId}`,
    signIn: functionAppAudience,
  });
  expect(text).toContain(`${pointer.alertId}.contoso.com`);
  expect(sentinel.labels).toEqual(['High risk device']);
  const sent = requests.find(({ url }) => url === webhookUrl)?.body as JsonObject;
  expect(sent).not.toHaveProperty('metadata');
  expect(sent).toMatchObject({
    submissionId: pointer.submissionId,
    device: { computerDnsName: `${pointer.alertId}.contoso.com` },
  });
});

test('a message without its summary gets it from the app', () => {
  const message = enrichment('da1_1', { summary: false, submission: forIncident });
  const { actions, text } = deliver(encoded(message), {
    app: { status: 200, body: json(enrichment('da1_1')) },
  });
  expect(actions).toEqual(['Read_enrichment', 'Find_comment', 'Write_comment', 'Delete_message']);
  expect(text).toContain('da1_1.contoso.com');
  expect(deliver(encoded(message), { app: { status: 503 } })).toMatchObject({ status: 'Failed', text: '' });
});

test('a CloudEvent is unwrapped, and JSON that came without base64 is read', () => {
  const message = enrichment('da1_1', { submission: forIncident });
  const event = {
    specversion: '1.0',
    id: submissionId,
    source: '/enrichment',
    type: 'enriched',
    data: message,
  };
  for (const text of [encoded(event), JSON.stringify(message), ` ${JSON.stringify(message)}`]) {
    expect(deliver(text).text).toContain('da1_1.contoso.com');
  }
});

test('the incident may also be named in the metadata, in any case', () => {
  const submission = { correlationId: 'INC-2041', metadata: { incidentArmId: incidentId.toUpperCase() } };
  expect(deliver(encoded(enrichment('da1_1', { submission }))).text).toContain('da1_1.contoso.com');
});

test.each([
  ['nothing', {}],
  ['a ticket', { correlationId: 'INC-2041' }],
  ['an incident elsewhere', { correlationId: incidentId.replace('contoso-sentinel', 'other') }],
  ['something beside the incidents', { correlationId: `${incidentId.slice(0, -36)}..` }],
  ['something below an incident', { correlationId: `${incidentId}/comments/x` }],
  ['a comment', { correlationId: `${incidentId}/comments/${submissionId}` }],
  ['no text', { metadata: { incidentArmId: ['x'] } }],
])('a message that names %s writes to no incident', (_what, submission) => {
  const { status, actions } = deliver(encoded(enrichment('da1_1', { submission })));
  expect(status).toBe('Succeeded');
  expect(actions).toEqual(['Delete_message']);
});

test('without a workspace no incident is written to', () => {
  const message = enrichment('da1_1', { submission: forIncident });
  expect(deliver(encoded(message), { given: { workspaceResourceId: '' } }).actions).toEqual([
    'Delete_message',
  ]);
});

test.each([
  ['as its identity', 'api://webhook', 'api://webhook'],
  ['without sign-in', '', null],
])('a webhook is called %s, with the submission ID to tell repeats by', (_how, webhookAudience, signIn) => {
  const message = enrichment('da1_1');
  const { requests } = deliver(encoded(message), { given: { webhookUrl, webhookAudience } });
  expect(requests[0]).toMatchObject({
    method: 'POST',
    url: webhookUrl,
    headers: { 'Idempotency-Key': message.submissionId },
    body: json(message),
    signIn,
  });
});

test('a message that cannot be handled comes back, and is given up in a failed run once it is a day old', () => {
  const message = encoded(enrichment('da1_1'));
  const failing = { given: { webhookUrl }, webhook: { status: 500 } };
  const early = deliver(message, { ...failing, age: 23.9 });
  expect(early).toMatchObject({ status: 'Failed', actions: ['Call_webhook'] });
  const late = deliver(message, { ...failing, age: 24.1 });
  expect(late).toMatchObject({ status: 'Failed', actions: ['Call_webhook', 'Give_message_up'] });
});

test.each([
  ['2026-11-23T12:00:01Z', 23.9, []],
  ['2026-11-23T12:00:01Z', 24.1, ['Give_message_up']],
  ['some day', 0, ['Give_ageless_message_up']],
  ['', 0, ['Give_ageless_message_up']],
])('one added at %j, %d hours ago, does not come back for ever', (insertionTime, age, after) => {
  const delivery = { given: { webhookUrl }, webhook: { status: 500 }, insertionTime, age };
  const { status, actions } = deliver(encoded(enrichment('da1_1')), delivery);
  expect({ status, actions }).toEqual({ status: 'Failed', actions: ['Call_webhook', ...after] });
});

test.each(['', 'hello', toMessageText('no JSON'), encoded([1])])(
  '%j is no enrichment: the run fails',
  (text) => {
    expect(deliver(text).status).toBe('Failed');
  },
);

test('what a device says about itself does nothing in the comment, and the longest summary fits', () => {
  const allowed =
    /<\/?(?:p|ul|li|strong|bdi)>|<a href="https:\/\/security\.microsoft\.com\/machines\/[0-9a-f]{40}">|<\/a>/g;
  for (const name of hostileTexts) {
    const machine = { computerDnsName: name, machineTags: [name] };
    const { status, text } = deliver(encoded(enrichment('da1_1', { machine, submission: forIncident })));
    expect(status).toBe('Succeeded');
    expect(text.replace(allowed, '')).not.toMatch(/[<>]/);
  }
  const long = {
    ...enrichment('da1_1', { submission: forIncident }),
    summary: { markdown: '', html: 'x'.repeat(30_000) },
  };
  expect(deliver(encoded(long)).text).toContain('too long for a comment');
});
