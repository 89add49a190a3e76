import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { enrichmentOf, type StoredAnswer } from '#shared/enrichment/answer.ts';
import { enrichmentPointerSchema, enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import { fitMessage } from '#shared/enrichment/outputMessage.ts';
import { project } from '#shared/projections/projections.ts';
import { seenAt, submissionOf } from '../pipeline/submissions.ts';

const row = { table: 'AlertEnrichments', partitionKey: 'alert-1', rowKey: 'device' };

function enrichmentWith(noteLength: number, tags: number, metadataLength: number) {
  const machine = {
    id: 'machine-1',
    note: 'x'.repeat(noteLength),
    machineTags: Array.from({ length: tags }, (_, index) => `tag ${index}`),
  };
  const device = normalizeMachine(machine, seenAt);
  const answer: StoredAnswer = {
    outcome: 'enriched',
    submissionId: 'submission-1',
    sourceName: 'defender',
    retrievedAt: seenAt,
    storedAt: seenAt,
    attempts: 1,
    machine,
    device,
    formats: project(device, ['asim', 'sentinel'], seenAt),
  };
  return enrichmentOf(submissionOf({ metadata: { text: 'y'.repeat(metadataLength) } }), answer, {
    summary: true,
  });
}

const shorterThan = (limit: number) => (text: string) => text.length <= limit;

test('the fullest form that fits goes out: whole, without raw record, formats, summary, or as a pointer', () => {
  const enrichment = enrichmentWith(10_000, 1, 10);
  const whole = JSON.parse(fitMessage(enrichment, row, shorterThan(50_000)));
  expect(enrichmentSchema.parse(whole)).toEqual(enrichment);

  const lean = JSON.parse(fitMessage(enrichment, row, shorterThan(9_000)));
  const { raw, ...device } = enrichment.device ?? { raw: undefined };
  expect(enrichmentSchema.parse(lean)).toEqual({ ...enrichment, device });
  expect(raw).toBeDefined();

  const withoutFormats = JSON.parse(
    fitMessage(enrichment, row, shorterThan(JSON.stringify(lean).length - 1)),
  );
  const { formats, ...others } = lean;
  expect(enrichmentSchema.parse(withoutFormats)).toEqual(others);
  expect(Object.keys(formats)).toEqual(['asim', 'sentinel']);

  const leanest = JSON.parse(
    fitMessage(enrichment, row, shorterThan(JSON.stringify(withoutFormats).length - 1)),
  );
  const { summary, ...withoutSummary } = withoutFormats;
  expect(enrichmentSchema.parse(leanest)).toEqual(withoutSummary);
  expect(summary).toBeDefined();

  const pointer = JSON.parse(fitMessage(enrichment, row, shorterThan(600)));
  const { device: _, metadata: __, ...rest } = withoutSummary;
  expect(enrichmentPointerSchema.parse(pointer)).toEqual({ ...rest, ...row });
});

test('an enrichment without a device becomes a pointer when its metadata is too long', () => {
  const { device: _, ...enrichment } = enrichmentWith(0, 0, 20_000);
  const pointer = JSON.parse(fitMessage(enrichment, row, shorterThan(1_000)));
  expect(enrichmentPointerSchema.parse(pointer)).toMatchObject(row);
});

test('whatever its size, the message fits and is valid', () => {
  const size = fc.nat(40_000);
  fc.assert(
    fc.property(size, fc.nat(2_000), fc.nat(10_000), (noteLength, tags, metadataLength) => {
      const text = fitMessage(enrichmentWith(noteLength, tags, metadataLength), row, shorterThan(20_000));
      expect(text.length).toBeLessThanOrEqual(20_000);
      const message = JSON.parse(text);
      expect(
        (message.table === undefined ? enrichmentSchema : enrichmentPointerSchema).safeParse(message).success,
      ).toBe(true);
    }),
    { numRuns: 40 },
  );
});
