import { describe, expect, test } from 'vitest';
import { readPoisonMessage } from '#ops/deadLetters/poisonMessage.ts';
import { isSelected, selectionOf } from '#ops/deadLetters/selection.ts';
import { envelopeOf } from '#shared/intake/submission.ts';
import { toMessageText } from '#shared/storage/queueOutbox.ts';
import { submissionOf } from '../shared/pipeline/submissions.ts';
import { deadAt, failedLetter, rejectionLetter } from './poison.ts';

const insertedOn = new Date('2026-11-23T12:45:00Z');
const read = (messageText: string) => readPoisonMessage({ messageId: 'message-1', messageText, insertedOn });
const asText = (value: unknown) => toMessageText(JSON.stringify(value));

describe('a message of the poison queue', () => {
  test('is a dead letter of a submission, which begins anew', () => {
    const letter = failedLetter('alert-1');
    expect(read(asText(letter))).toMatchObject({
      reason: 'source_unavailable',
      alertIds: ['alert-1'],
      deadAt: new Date(deadAt),
      letter,
      replay: { kind: 'submission', submission: letter.submission },
    });
  });

  test('is a dead letter of what was no alert, which would come back as the same text', () => {
    expect(read(asText(rejectionLetter('{"')))).toMatchObject({
      reason: 'bad-json',
      alertIds: [],
      replay: { kind: 'rejected-text', text: '{"' },
    });
  });

  test('cannot be replayed when its text was not kept whole', () => {
    expect(read(asText(rejectionLetter('{"', { originalTruncated: true }))).replay.kind).toBe('impossible');
  });

  test.each([
    ['a plain alert ID', 'alert-1'],
    ['a base64 alert ID', toMessageText('alert-1')],
    ['plain JSON', '{"alertId":"alert-1"}'],
    ['base64 JSON', asText({ alertIds: ['alert-1'] })],
    ["the pipeline's own envelope", asText(envelopeOf(submissionOf()))],
  ])("is the host's own copy: %s", (_, text) => {
    expect(read(text)).toMatchObject({
      reason: 'host-poison',
      alertIds: ['alert-1'],
      deadAt: insertedOn,
      replay: { kind: 'host-copy', text },
    });
  });

  test.each([
    ['a letter of a newer release', asText({ ...failedLetter('alert-1'), version: 2 }), /newer release/],
    ['rubbish', '{"', /neither a dead letter nor an alert/],
    ['nothing', '', /neither a dead letter nor an alert/],
  ])('is unreadable and stays: %s', (_, text, why) => {
    const { reason, replay } = read(text);
    expect({ reason, replay }).toEqual({
      reason: 'unreadable',
      replay: { kind: 'impossible', why: expect.stringMatching(why) },
    });
  });
});

describe('a selection', () => {
  const failed = read(asText(failedLetter('alert-1')));
  const rejected = read(asText(rejectionLetter('{"')));
  const copy = read('alert-1');

  test.each([
    ['--all leaves out what was no alert', { all: true }, [failed, copy]],
    ['--reason names a failure', { reason: 'source_unavailable' }, [failed]],
    ['--reason names what was no alert', { reason: 'bad-json' }, [rejected]],
    ['--reason names what the host gave up', { reason: 'host-poison' }, [copy]],
    ['--alert finds it in any form', { alert: 'alert-1' }, [failed, copy]],
    ['--id names one', { id: 'message-1' }, [failed, rejected, copy]],
  ])('%s', (_, options, expected) => {
    const selection = selectionOf(options);
    expect([failed, rejected, copy].filter((message) => isSelected(message, selection))).toEqual(expected);
  });

  test.each([[{}], [{ all: true, id: 'x' }], [{ reason: 'a', alert: 'b' }]])(
    'is exactly one: %j',
    (options) => {
      expect(() => selectionOf(options)).toThrow(
        'exactly one of --all, --reason, --alert, --tenant and --id',
      );
    },
  );
});
