import { readMessage } from '#shared/intake/readMessage.ts';
import type { Submission } from '#shared/intake/submission.ts';
import { type DeadLetter, deadLetterSchema } from '#shared/pipeline/outbox.ts';

/** A message as the poison queue holds it. */
export interface RawMessage {
  messageId: string;
  messageText: string;
  insertedOn: Date;
}

/** A message of the poison queue, understood as far as it can be. */
export interface PoisonMessage {
  /** The ID that the storage service gave it. */
  id: string;
  /** The dead letter's own reason, or `host-poison` or `unreadable`. */
  reason: string;
  detail: string;
  /** The alerts that it is about; none in what is no alert. */
  alertIds: string[];
  deadAt: Date;
  /** The text as the queue holds it. */
  text: string;
  /** Absent in what the pipeline did not write. */
  letter?: DeadLetter;
  replay: Replay;
}

/** How a message can be replayed. */
export type Replay =
  /** As a submission that begins anew. */
  | { kind: 'submission'; submission: Submission }
  /** As the text that the pipeline took for no alert. The same text ends the same way, unless the app has changed. */
  | { kind: 'rejected-text'; text: string }
  /** As the Functions host moved it here. */
  | { kind: 'host-copy'; text: string }
  | { kind: 'impossible'; why: string };

export const HOST_POISON = 'host-poison';
export const UNREADABLE = 'unreadable';

/** Tells apart the pipeline's dead letters, the host's own copies, and what is neither. */
export function readPoisonMessage({
  messageId: id,
  messageText: text,
  insertedOn,
}: RawMessage): PoisonMessage {
  const json = readJson(text);
  const letter = deadLetterSchema.safeParse(json).data;
  if (letter !== undefined) {
    const { reason, detail, submission } = letter;
    const alertIds = submission === undefined ? [] : [submission.alertId];
    return {
      id,
      reason,
      detail,
      alertIds,
      deadAt: new Date(letter.deadAt),
      text,
      letter,
      replay: replayOf(letter),
    };
  }
  const { submissions, rejections } = readMessage(text, { id }, insertedOn);
  if (submissions.length > 0) {
    return {
      id,
      reason: HOST_POISON,
      detail: 'The Functions host gave the message up after its last delivery failed; the log tells why.',
      alertIds: submissions.map(({ alertId }) => alertId),
      deadAt: insertedOn,
      text,
      replay: { kind: 'host-copy', text },
    };
  }
  const why = isLikeDeadLetter(json)
    ? 'a dead letter of a form that this release does not know; a newer release may have written it'
    : `neither a dead letter nor an alert: ${rejections.map((rejection) => rejection.detail).join('; ')}`;
  return {
    id,
    reason: UNREADABLE,
    detail: why,
    alertIds: [],
    deadAt: insertedOn,
    text,
    replay: { kind: 'impossible', why },
  };
}

function replayOf({ submission, original, originalTruncated }: DeadLetter): Replay {
  if (submission !== undefined) {
    return { kind: 'submission', submission };
  }
  if (originalTruncated) {
    return { kind: 'impossible', why: 'its text was too long to be kept whole' };
  }
  return { kind: 'rejected-text', text: original };
}

/** The JSON value of a text, plain or base64; undefined for anything else. */
function readJson(text: string): unknown {
  for (const content of [text, Buffer.from(text, 'base64').toString('utf8')]) {
    try {
      return JSON.parse(content);
    } catch {
      // Not in this encoding.
    }
  }
  return undefined;
}

function isLikeDeadLetter(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'reason' in json && 'deadAt' in json;
}
