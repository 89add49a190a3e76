import { expect, test } from 'vitest';
import { ALERT_ID, alertIdsIn, base64, MESSAGE_ID, read, reasonsIn, sample } from './support.ts';

test('one bad item of a list fails alone, and the index counts every item', () => {
  const intake = read(JSON.parse(sample('mixedList')));
  expect(intake.submissions).toMatchObject([
    { alertId: ALERT_ID, submissionId: `${MESSAGE_ID}.0` },
    { alertId: 'da637308392288907382_-880718168', submissionId: `${MESSAGE_ID}.1`, correlationId: 'INC-7' },
    { alertId: '636688558380765161_2136280442', submissionId: `${MESSAGE_ID}.3`, correlationId: 'evt-1' },
    { alertId: 'ar638180599315648136_73827727', submissionId: `${MESSAGE_ID}.5` },
  ]);
  expect(intake.rejections).toMatchObject([
    { reason: 'bad-alert-id', original: '../../admin' },
    { reason: 'not-an-alert', original: '["da637399989469816469_51697947354"]' },
    { reason: 'not-an-alert', original: '{"hello":"world"}' },
    { reason: 'not-an-alert', original: '42' },
  ]);
});

test('a list in base64 is read like the list', () => {
  expect(read(base64(sample('mixedList')))).toEqual(read(JSON.parse(sample('mixedList'))));
});

test('bad IDs among alertIds fail alone', () => {
  const intake = read({ alertIds: ['da637_1', '', 7, null, { alertId: 'da637_2' }, 'a/b', 'da637_3'] });
  expect(alertIdsIn(intake)).toEqual(['da637_1', 'da637_3']);
  expect(reasonsIn(intake)).toEqual(Array(5).fill('bad-alert-id'));
});

test('what holds for the list is said once, and a fault in it rejects the message once', () => {
  const intake = read({ alertIds: ['da637_1', 'da637_2'], refresh: 'yes' });
  expect(intake.submissions).toEqual([]);
  expect(reasonsIn(intake)).toEqual(['bad-field']);
});

test('an event may carry a list, and its ID is the reference of each alert without one', () => {
  const data = ['da637_1', { alertId: 'da637_2', correlationId: 'own' }];
  const intake = read({ eventType: 'Contoso.Alert', id: 'e1', subject: 's', topic: 't', data });
  expect(intake.submissions.map(({ correlationId }) => correlationId)).toEqual(['e1', 'own']);
  const shared = read({
    eventType: 'Contoso.Alert',
    id: 'e1',
    data: { alertIds: ['da637_1'], correlationId: 'all' },
  });
  expect(shared.submissions).toMatchObject([
    { submissionId: expect.stringMatching(/\.0$/), correlationId: 'all' },
  ]);
});

test('an event in a list may carry one alert or several, but no event', () => {
  const event = { specversion: '1.0', id: 'e1', source: '/contoso', type: 't' };
  const intake = read([
    { ...event, data: 'da637_1' },
    { ...event, data: ['da637_2', 'da637_3'] },
    { ...event, data: { alertIds: ['da637_4'] } },
    { ...event, data: { ...event, data: 'da637_5' } },
  ]);
  expect(alertIdsIn(intake)).toEqual(['da637_1', 'da637_2', 'da637_3', 'da637_4']);
  expect(reasonsIn(intake)).toEqual(['not-an-alert']);
});

test('a list of 2,000 alerts is taken whole', () => {
  const alertIds = Array.from({ length: 2000 }, (_, index) => `da637472900382838869_${index}`);
  const intake = read({ alertIds });
  expect(alertIdsIn(intake)).toEqual(alertIds);
  expect(new Set(intake.submissions.map(({ submissionId }) => submissionId)).size).toBe(2000);
});

test('our own envelope is not taken inside a list or an event', () => {
  const envelope = JSON.parse(sample('envelope'));
  expect(reasonsIn(read([envelope]))).toEqual(['not-an-alert']);
  expect(reasonsIn(read({ eventType: 'T', data: envelope }))).toEqual(['not-an-alert']);
});
