import { CloudEvent, HTTP } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contracts } from '#dev/schema/contracts.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { enrichmentOf, type StoredAnswer } from '#shared/enrichment/answer.ts';
import { type Enrichment, type Outcome, outcomeSchema } from '#shared/enrichment/enrichment.ts';
import { cloudEventSchema, fitMessage, messageWriter } from '#shared/enrichment/outputMessage.ts';
import { fitsMessage } from '#shared/storage/queueOutbox.ts';
import { errorsOf, validatorOf } from '#test/dev/schema/validators.ts';
import { seenAt, submissionOf } from '../pipeline/submissions.ts';

const row = { table: 'AlertEnrichments', partitionKey: 'alert-1', rowKey: 'device' };
const write = messageWriter({ envelope: 'cloudevents', appName: 'contoso-enrichment' });
const validate = validatorOf('enrichment-event');
const schemaIds = new Map(contracts.map(({ name, schema }) => [name, schema.$id]));

function enrichmentWith(outcome: Outcome, noteLength = 0, tags = 0, metadata = {}): Enrichment {
  const machine = {
    id: 'machine-1',
    note: 'x'.repeat(noteLength),
    machineTags: Array.from({ length: tags }, (_, index) => `Etikett „${index}“ 💻`),
  };
  const answer: StoredAnswer = {
    outcome,
    submissionId: 'submission-1',
    sourceName: 'defender',
    retrievedAt: seenAt,
    storedAt: seenAt,
    attempts: 1,
    ...(outcome === 'enriched'
      ? { machine, device: normalizeMachine(machine, seenAt) }
      : { error: { code: outcome, message: 'A reason.' } }),
  };
  return enrichmentOf(submissionOf({ metadata }), answer);
}

describe.each(outcomeSchema.options)('the CloudEvent of an enrichment that ended %s', (outcome) => {
  const enrichment = enrichmentWith(outcome);
  const text = write(enrichment);

  test('carries the enrichment as it is, with what tells events apart', () => {
    expect(cloudEventSchema.parse(JSON.parse(text))).toStrictEqual({
      specversion: '1.0',
      id: 'submission-1',
      source: '/defender-alert-enrichment/contoso-enrichment',
      type: `defender-alert-enrichment.${outcome}`,
      subject: 'alert-1',
      time: seenAt.toISOString(),
      datacontenttype: 'application/json',
      dataschema: schemaIds.get('enrichment'),
      data: enrichment,
    });
  });

  test('is valid to the CloudEvents SDK, and to the published schema', () => {
    expect(new CloudEvent(JSON.parse(text)).validate()).toBe(true);
    const received = HTTP.toEvent({
      headers: { 'content-type': 'application/cloudevents+json' },
      body: text,
    });
    expect(received).toMatchObject({ id: 'submission-1', subject: 'alert-1', data: enrichment });
    expect(errorsOf(validate, JSON.parse(text))).toEqual([]);
  });

  test('is the same when it is published twice', () => {
    expect(write(enrichmentWith(outcome))).toBe(text);
  });
});

test('a pointer says by its dataschema that it is one', () => {
  const event = JSON.parse(fitMessage(enrichmentWith('enriched', 0, 3_000), row, fitsMessage, write));
  expect(event).toMatchObject({ dataschema: schemaIds.get('enrichment-pointer'), data: row });
  expect(new CloudEvent(event).validate()).toBe(true);
  expect(errorsOf(validate, event)).toEqual([]);
});

test.each([
  [undefined, '/defender-alert-enrichment'],
  ['contoso-enrichment', '/defender-alert-enrichment/contoso-enrichment'],
  ['Größe 1/2?', '/defender-alert-enrichment/Gr%C3%B6%C3%9Fe%201%2F2%3F'],
])('the source of an app with the name %s is a URI reference', (appName, source) => {
  const text = messageWriter({ envelope: 'cloudevents', appName })(enrichmentWith('failed'));
  expect(JSON.parse(text).source).toBe(source);
  expect(errorsOf(validate, JSON.parse(text))).toEqual([]);
});

test('without an envelope a message is the enrichment alone', () => {
  const enrichment = enrichmentWith('enriched');
  const text = messageWriter({ envelope: 'plain', appName: 'contoso-enrichment' })(enrichment);
  expect(JSON.parse(text)).toEqual(enrichment);
});

test('whatever its size, the event fits into a queue message with its envelope, and is valid', () => {
  const nearTheLimit = fc.integer({ min: 46_000, max: 48_500 });
  fc.assert(
    fc.property(fc.oneof(nearTheLimit, fc.nat(60_000)), fc.nat(1_500), fc.nat(40_000), (note, tags, text) => {
      const enrichment = enrichmentWith('enriched', note, tags, { text: 'ä'.repeat(text) });
      const content = fitMessage(enrichment, row, fitsMessage, write);
      expect(fitsMessage(content)).toBe(true);
      expect(cloudEventSchema.safeParse(JSON.parse(content)).success).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('the envelope counts: an enrichment that just fits without one goes without its raw record in one', () => {
  const withNote = (length: number) => enrichmentWith('enriched', length);
  const rest = Buffer.byteLength(JSON.stringify(withNote(1))) - 1;
  const enrichment = withNote(49_152 - rest);
  expect(JSON.parse(fitMessage(enrichment, row, fitsMessage))).toEqual(enrichment);
  const { data } = JSON.parse(fitMessage(enrichment, row, fitsMessage, write));
  expect(data.device).toMatchObject({ id: 'machine-1' });
  expect(data.device).not.toHaveProperty('raw');
});

test('the trace of the message is an attribute of its CloudEvent too, as the extension for tracing has it', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const event = JSON.parse(write({ ...enrichmentWith('enriched'), traceparent, tracestate: 'soc=7' }));
  expect(event).toMatchObject({ traceparent, tracestate: 'soc=7', data: { traceparent } });
  expect(validate(event)).toBe(true);
  expect(JSON.parse(write(enrichmentWith('enriched')))).not.toHaveProperty('traceparent');
});
