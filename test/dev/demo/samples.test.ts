import { expect, test } from 'vitest';
import { createBacklog, createCustomerSamples, createSamples } from '#dev/demo/samples.ts';
import { readMessage } from '#shared/intake/readMessage.ts';

const now = new Date('2026-02-10T08:12:44.114Z');
const known = Array.from({ length: 18 }, (_, index) => `da63747290038283886${index}_1`);

test.each(createSamples(known).map((sample, index) => [index, sample.form, sample] as const))(
  'Intake makes of sample %i (%s) what the sample says',
  (_, _form, sample) => {
    const { submissions, rejections } = readMessage(sample.text, {}, now);
    expect(submissions.map(({ alertId }) => alertId)).toEqual(sample.alertIds);
    expect(rejections).toHaveLength(sample.rejections);
  },
);

test('The sample uses every known alert, one of them twice, and some that are not known', () => {
  const alertIds = createSamples(known).flatMap((sample) => sample.alertIds);
  expect(alertIds).toEqual(expect.arrayContaining(known));
  expect(alertIds.filter((alertId) => alertId === known[0])).toHaveLength(2);
  expect(alertIds.filter((alertId) => !known.includes(alertId))).toHaveLength(2);
});

test('A backlog has a message for each alert', () => {
  expect(createBacklog(['da1_1', 'da2_1']).map(({ text }) => text)).toEqual(['da1_1', 'da2_1']);
});

test('A message of a customer names its tenant', () => {
  const tenantId = '11111111-2222-4333-8444-555555555555';
  const [sample] = createCustomerSamples({ name: 'Customer 1', tenantId }, ['da1_1']);
  const { submissions } = readMessage(sample?.text ?? '', {}, now);
  expect(submissions).toMatchObject([{ alertId: 'da1_1', tenantId }]);
});
