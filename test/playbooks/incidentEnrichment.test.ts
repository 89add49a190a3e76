import fc from 'fast-check';
import { expect, test } from 'vitest';
import sentinelEntity from '../fixtures/messages/sentinelEntity.json' with { type: 'json' };
import { hostileTexts } from '../shared/summary/hostileTexts.ts';
import { type EnrichmentDetails, enrichment, json } from './support/enrichments.ts';
import type { Json, JsonObject } from './support/evaluate.ts';
import { incidentBody, incidentName, incidentUrl, sentinelAlert } from './support/incidents.ts';
import { functionAppAudience, functionAppUrl, runPlaybook } from './support/playbooks.ts';
import { SentinelIncident } from './support/sentinel.ts';
import type { Request, Response } from './support/workflowRun.ts';

const order = `${functionAppUrl}/api/enrichments?wait=90`;
const comment = `${incidentUrl}/comments/${incidentName}?api-version=2025-09-01`;

type App = (request: Request) => Response | undefined;

function run(triggerBody: Json, app: App, sentinel = new SentinelIncident()) {
  const result = runPlaybook('incident-enrichment', {
    triggerBody,
    answer: (request) => sentinel.answer(request) ?? app(request),
  });
  return { ...result, sentinel, text: sentinel.comments.get(incidentName)?.message ?? '' };
}

/** An app that has a final answer at once for every alert. */
function answering(
  details: (alertId: string, index: number) => Omit<EnrichmentDetails, 'summary'> = () => ({}),
): App {
  return ({ url, body }) => {
    if (url !== order) {
      return undefined;
    }
    const { alertIds } = body as { alertIds: string[] };
    return {
      status: 200,
      body: {
        submissions: alertIds.map((alertId, index) => ({
          index,
          ...submission(alertId, 'final'),
          enrichment: json(enrichment(alertId, details(alertId, index))),
        })),
        rejected: [],
      },
    };
  };
}

function submission(alertId: string, status: 'final' | 'pending' | 'not_queued'): JsonObject {
  return {
    alertId,
    submissionId: '3e1f6c0a-52d5-4a55-9d0b-6f2f5a9f7a11.0',
    location: locationOf(alertId),
    status,
  };
}

function locationOf(alertId: string): string {
  return `/api/enrichments/${alertId}`;
}

const alertsOf = (...ids: string[]) => ids.map((providerAlertId) => sentinelAlert({ providerAlertId }));

test('the alerts of an incident become one order, one comment and the tags', () => {
  const { status, requests, errors, text, sentinel } = run(
    incidentBody(alertsOf('da1_1', 'da2_-2')),
    answering((_, index) => ({ machine: { riskScore: index ? 'High' : 'Low', exposureLevel: 'Medium' } })),
  );
  expect(status).toBe('Succeeded');
  expect(errors).toEqual(['Find_comment: 404']);
  expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `POST ${incidentUrl}/alerts?api-version=2025-09-01`,
    `POST ${order}`,
    `GET ${comment}`,
    `PUT ${comment}`,
    'PUT /Incidents',
  ]);
  const [, ordered] = requests;
  expect(ordered).toMatchObject({
    body: { alertIds: ['da1_1', 'da2_-2'], correlationId: incidentName },
    headers: { Accept: 'application/json' },
    signIn: functionAppAudience,
  });
  expect(requests[3]?.signIn).toBe('https://management.azure.com/');
  expect(text.indexOf('da2_-2.contoso.com')).toBeLessThan(text.indexOf('da1_1.contoso.com'));
  expect(text).not.toContain('Still without');
  expect(sentinel.labels).toEqual(['High risk device']);
});

test('a second run writes no second comment, and none at all when nothing changed', () => {
  const body = incidentBody(alertsOf('da1_1'));
  const { sentinel } = run(body, answering());
  const again = run(body, answering(), sentinel);
  expect(again.status).toBe('Succeeded');
  expect(again.requests.map(({ action }) => action)).not.toContain('Write_comment');
  const changed = run(
    body,
    answering(() => ({ machine: { riskScore: 'High' } })),
    sentinel,
  );
  expect(changed.requests.find(({ action }) => action === 'Write_comment')?.url).toBe(comment);
  expect(changed.status).toBe('Succeeded');
  expect([...sentinel.comments.keys()]).toEqual([incidentName]);
});

test.each([
  ['as Sentinel gives it', sentinelEntity as unknown as Json, ['da637472900382838869_1364969609']],
  [
    'under the newer product name',
    sentinelAlert({ providerAlertId: 'xx9_1', productName: 'Microsoft Defender for Endpoint' }),
    ['xx9_1'],
  ],
  [
    'that Defender XDR passed on',
    sentinelAlert({ providerAlertId: 'da9_1', productName: 'Microsoft 365 Defender' }),
    ['da9_1'],
  ],
  [
    'of a custom detection in Defender XDR',
    sentinelAlert({ providerAlertId: 'ed9_1', productName: 'Microsoft 365 Defender' }),
    ['ed9_1'],
  ],
  [
    'of Defender for Office',
    sentinelAlert({ providerAlertId: 'fa9_1', productName: 'Microsoft Defender for Office 365' }),
    [],
  ],
  [
    'of a rule of Sentinel whose GUID looks like a prefix',
    sentinelAlert({ providerAlertId: 'da6c7a42-c0da-41ef-9629-b3d2d407b181', productName: 'Azure Sentinel' }),
    [],
  ],
  [
    'with no ID but that of Sentinel',
    sentinelAlert({ providerAlertId: 'da1_1', systemAlertId: 'da1_1' }),
    [],
  ],
  ['without an ID', sentinelAlert({}), []],
  ['without properties', { kind: 'SecurityAlert' }, []],
])('an alert %s is asked for or left alone', (_what, alert, ids) => {
  const { status, requests } = run(incidentBody([alert]), answering());
  expect(status).toBe('Succeeded');
  const ordered = requests.find(({ url }) => url === order);
  expect((ordered?.body as { alertIds: string[] } | undefined)?.alertIds ?? []).toEqual(ids);
});

test('alerts come from the trigger in either spelling and from the list, each once', () => {
  const sentinel = new SentinelIncident();
  sentinel.alerts = alertsOf('da2_1', 'da3_1');
  const body = incidentBody(alertsOf('da1_1', 'da1_1', 'da2_1'));
  const first = run(body, answering(), sentinel);
  expect(first.requests[1]?.body).toMatchObject({ alertIds: ['da1_1', 'da2_1', 'da3_1'] });
  const respelled = JSON.parse(JSON.stringify(body).replace('"Alerts"', '"alerts"'));
  expect(run(respelled, answering(), sentinel).requests[1]?.body).toEqual(first.requests[1]?.body);
});

test('an incident without Defender alerts ends quietly after the look at its alerts', () => {
  const { status, requests } = run(incidentBody([]), answering());
  expect(status).toBe('Succeeded');
  expect(requests.map(({ action }) => action)).toEqual(['List_alerts']);
});

test('what is pending is asked for again until it is final', () => {
  let asked = 0;
  const { status, text, requests } = run(incidentBody(alertsOf('da1_1', 'da2_1')), ({ url }) => {
    if (url === order) {
      const final = { ...submission('da1_1', 'final'), enrichment: json(enrichment('da1_1')) };
      return { status: 202, body: { submissions: [final, submission('da2_1', 'pending')], rejected: [] } };
    }
    asked += 1;
    return asked < 3
      ? { status: 202, body: { status: 'pending' } }
      : { status: 200, body: json(enrichment('da2_1')) };
  });
  expect(status).toBe('Succeeded');
  expect(
    requests.filter(({ url }) => url === `${functionAppUrl}${locationOf('da2_1')}?wait=90`),
  ).toHaveLength(3);
  expect(text).toContain('da2_1.contoso.com');
  expect(text).not.toContain('Still without');
});

test('the order in which pending alerts become final does not change the comment', () => {
  const app: App = ({ url, body }) => {
    if (url !== order) {
      return { status: 200, body: json(enrichment(/da\d_1/.exec(url)?.[0] ?? '')) };
    }
    const { alertIds } = body as { alertIds: string[] };
    return {
      status: 202,
      body: { submissions: alertIds.map((id) => submission(id, 'pending')), rejected: [] },
    };
  };
  const texts = [alertsOf('da1_1', 'da2_1'), alertsOf('da2_1', 'da1_1')].map(
    (a) => run(incidentBody(a), app).text,
  );
  expect(texts[0]).toContain('da2_1.contoso.com');
  expect(texts[0]).toBe(texts[1]);
});

test('the waiting is bounded, and the comment names what has no answer', () => {
  const { status, text, requests } = run(incidentBody(alertsOf('da1_1', 'da2_1', 'da3_1')), ({ url }) => {
    const pending = [submission('da1_1', 'pending'), submission('da2_1', 'pending')];
    if (url === order) {
      return {
        status: 202,
        body: { submissions: [...pending, submission('da3_1', 'not_queued')], rejected: [] },
      };
    }
    return url.includes('da1_1') ? { status: 202, body: { status: 'pending' } } : undefined;
  });
  expect(status).toBe('Succeeded');
  expect(requests.filter(({ action }) => action === 'Ask_again')).toHaveLength(21);
  expect(text).toContain('Still without an answer: da1_1, da2_1, da3_1. Run the playbook again later.');
});

test.each([401, 403, 404, 500, 503, undefined])(
  'an order that is answered with %s fails the run',
  (status) => {
    const answer = status === undefined ? undefined : { status, body: { title: 'no' } };
    const result = run(incidentBody(alertsOf('da1_1')), () => answer);
    expect(result.status).toBe('Failed');
    expect(result.errors).toEqual([`Order_enrichments: ${status ?? 'no answer'}`]);
    expect(result.text).toBe('');
  },
);

test('a comment that cannot be written, and alerts that cannot be listed, fail the run', () => {
  for (const action of ['Write_comment', 'List_alerts']) {
    const sentinel = new SentinelIncident();
    const { status } = runPlaybook('incident-enrichment', {
      triggerBody: incidentBody(alertsOf('da1_1')),
      answer: (request) =>
        request.action === action ? { status: 403 } : (sentinel.answer(request) ?? answering()(request)),
    });
    expect(status, action).toBe('Failed');
  }
});

test('what was refused is counted, without the text that was refused', () => {
  const { text } = run(incidentBody(alertsOf('da1_1', 'da2_<b>')), () => ({
    status: 200,
    body: {
      submissions: [{ ...submission('da1_1', 'final'), enrichment: json(enrichment('da1_1')) }],
      rejected: [{ index: 1, reason: 'bad-alert-id', detail: 'an alert ID has letters; got da2_<b>' }],
    },
  }));
  expect(text).toContain('<p>Refused: 1 alerts (bad-alert-id).</p>');
  expect(text).not.toContain('<b>');
});

test.each([
  ['as JSON', (problem: JsonObject) => problem],
  [
    'as text in base64',
    (problem: JsonObject) => ({
      '$content-type': 'application/problem+json',
      $content: Buffer.from(JSON.stringify(problem)).toString('base64'),
    }),
  ],
])('an order of which every alert is refused becomes a comment, the answer being read %s', (_how, body) => {
  const rejected = [0, 1].map((index) => ({ index, reason: 'bad-alert-id', detail: 'an alert ID has …' }));
  const problem = { type: 'urn:x:nothing-valid', title: 'No alert can be taken', status: 422, rejected };
  const { status, errors, text, sentinel } = run(incidentBody(alertsOf('da1_<b>', 'da2_<b>')), () => ({
    status: 422,
    body: body(problem),
  }));
  expect(status).toBe('Succeeded');
  expect(errors).toEqual(['Order_enrichments: 422', 'Find_comment: 404']);
  expect(text).toContain('<p>Refused: 2 alerts (bad-alert-id).</p>');
  expect(text).not.toContain('Still without');
  expect(sentinel.labels).toEqual([]);
});

test('an order holds 1,000 alerts, and the comment counts the rest', () => {
  const ids = Array.from({ length: 1_003 }, (_, index) => `da${index}_1`);
  const one = { machine: { id: 'd', computerDnsName: 'one.contoso.com' } };
  const { requests, text } = run(
    incidentBody(alertsOf(...ids)),
    answering(() => one),
  );
  expect(requests[1]?.body).toMatchObject({ alertIds: ids.slice(0, 1_000) });
  expect(text).toContain('Not asked for, as an order holds 1,000 alerts: 3 alerts.');
});

test('a device of many alerts has one card', () => {
  const one = { machine: { id: 'd', computerDnsName: 'one.contoso.com' } };
  const { text } = run(
    incidentBody(alertsOf('da1_1', 'da2_1', 'da3_1')),
    answering(() => one),
  );
  expect(text.split('one.contoso.com')).toHaveLength(2);
});

test('a comment stays below the limit with whole cards, the pressing ones first, and counts what it left out', () => {
  const ids = Array.from({ length: 150 }, (_, index) => `da${index}_1`);
  const { text, status } = run(
    incidentBody(alertsOf(...ids)),
    answering((id) => ({
      machine: { exposureLevel: id === 'da149_1' ? 'High' : 'Low', machineTags: ['x'.repeat(99)] },
    })),
  );
  expect(status).toBe('Succeeded');
  expect(text.length).toBeLessThan(28_000);
  const shown = text.split('<ul>').length - 1;
  expect(text.split('</ul>').length - 1).toBe(shown);
  expect(text).toContain('da149_1.contoso.com');
  expect(text).toContain(`Left out, as a comment holds no more: ${150 - shown} device cards.`);
});

test('tags that the incident has are kept and not given again', () => {
  const labels = ['Reviewed', 'High risk device'];
  const { sentinel, requests } = run(
    incidentBody(alertsOf('da1_1'), labels),
    answering(() => ({ machine: { riskScore: 'High', exposureLevel: 'High' } })),
  );
  expect(sentinel.labels).toEqual(['High exposure device']);
  const again = run(
    incidentBody(alertsOf('da1_1'), [...labels, 'High exposure device']),
    answering(() => ({ machine: { riskScore: 'High', exposureLevel: 'High' } })),
  );
  expect(requests.at(-1)?.action).toBe('Add_tags');
  expect(again.requests.map(({ action }) => action)).not.toContain('Add_tags');
});

test('alerts without a device still make a comment', () => {
  const none = run(
    incidentBody(alertsOf('da1_1')),
    answering(() => ({ outcome: 'not_found' })),
  );
  expect(none.text).toContain('No device was found');
});

test('what a device says about itself does nothing in the comment', () => {
  const allowed =
    /<\/?(?:p|ul|li|strong|bdi)>|<a href="https:\/\/security\.microsoft\.com\/machines\/[0-9a-f]{40}">|<\/a>/g;
  fc.assert(
    fc.property(fc.constantFrom(...hostileTexts, '@{triggerBody()}', "']}@{listCallbackUrl()}"), (name) => {
      const machine = { computerDnsName: name, machineTags: [name], rbacGroupName: name, riskScore: name };
      const { status, text, sentinel } = run(
        incidentBody(alertsOf('da1_1')),
        answering(() => ({ machine })),
      );
      expect(status).toBe('Succeeded');
      expect(text.replace(allowed, '')).not.toMatch(/[<>]/);
      expect(sentinel.labels).toEqual([]);
    }),
  );
});
