import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { alertIdsIn, asDelivered, base64, read } from './support.ts';

const guide = readFileSync(new URL('../../../docs/input.md', import.meta.url), 'utf8');
const examples = [...guide.matchAll(/^```(?:json|text)\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');

test('the input guide shows every form', () => {
  expect(examples).toHaveLength(14);
});

test.each(examples)('the example of the input guide number %$ is taken, plain and as base64', (example) => {
  for (const text of [example, base64(example)]) {
    const intake = read(asDelivered(text));
    expect(intake.rejections).toEqual([]);
    expect(alertIdsIn(intake)[0]).toMatch(/^da/);
  }
});
