import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from '#dev/host/messageEncoding.ts';

describe('The encoding of messages', () => {
  test('gives back any text in either encoding', () => {
    const encodings = fc.constantFrom('base64' as const, 'none' as const);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), encodings, (text, encoding) => {
        expect(decodeMessage(encodeMessage(text, encoding), encoding)).toBe(text);
      }),
    );
  });

  test.each(['plain text', 'abc', 'YWJj\n', 'YWJj=', 'YR==', '/w=='])(
    'takes %j for no base64 of a text',
    (text) => {
      expect(decodeMessage(text, 'base64')).toBeUndefined();
      expect(decodeMessage(text, 'none')).toBe(text);
    },
  );
});
