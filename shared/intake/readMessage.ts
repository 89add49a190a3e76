import { type Result, success } from '../result.ts';
import { type AlertRequest, describeIssues, newSubmission } from './alertRequest.ts';
import { decodeBody } from './decode.ts';
import { isJsonObject } from './jsonObject.ts';
import { quote, textOf } from './jsonText.ts';
import { type Delivery, type MessageIdentity, messageIdOf } from './queueMessage.ts';
import { readPayload } from './readPayload.ts';
import { type Fault, faulty, type Rejection } from './rejection.ts';
import {
  alertIdSchema,
  type Submission,
  type SubmissionEnvelope,
  submissionEnvelopeSchema,
} from './submission.ts';

/** What is in a message. Every alert in it is in exactly one of the two. */
interface Contents {
  submissions: Submission[];
  rejections: Rejection[];
}

/** What a message came to. */
export interface Intake extends Contents {
  /** The message itself, as far as claims are concerned. */
  identity: MessageIdentity;
}

/**
 * Turns what the queue trigger hands over into submissions and rejections. Throws for no input.
 * @param body The message: text, or the JSON value that the Functions library parsed from it.
 * @param now When the message is read; a new submission is first seen then.
 * @example
 * readMessage({ alertIds: ['a1', 'a2'] }, context.triggerMetadata ?? {}, new Date());
 * // two submissions, whose IDs are that of the message with ".0" and ".1" behind; no rejection
 */
export function readMessage(body: unknown, delivery: Delivery, now: Date): Intake {
  const decoded = decodeBody(body);
  const payload = decoded.ok && !decoded.value.isBase64 ? decoded.value.content : undefined;
  const messageId = messageIdOf(body, payload, delivery);
  if (!decoded.ok) {
    return { ...rejected(decoded.error, body), identity: { messageId } };
  }
  const envelope = openEnvelope(decoded.value.content);
  if (envelope === undefined) {
    return { ...alertsIn(decoded.value, messageId, body, now), identity: { messageId } };
  }
  if (!envelope.ok) {
    return { ...rejected(envelope.error, body), identity: { messageId } };
  }
  const { submission, claimKey } = envelope.value;
  return { submissions: [submission], rejections: [], identity: { messageId, claimKey } };
}

/** A message's own ID becomes that of its submission. */
function alertsIn(
  { content, isBase64 }: { content: unknown; isBase64: boolean },
  messageId: string,
  body: unknown,
  now: Date,
): Contents {
  const reading = readPayload(content);
  if (reading.kind === 'list') {
    const intakes = reading.items.map(({ part, result }, index) =>
      result.ok ? submitted(result.value, `${messageId}.${index}`, now) : rejected(result.error, part),
    );
    return {
      submissions: intakes.flatMap((intake) => intake.submissions),
      rejections: intakes.flatMap((intake) => intake.rejections),
    };
  }
  const { result } = reading;
  if (result.ok) {
    return submitted(result.value, messageId, now);
  }
  const { detail } = result.error;
  return rejected({ ...result.error, detail: isBase64 ? `decoded from base64: ${detail}` : detail }, body);
}

function submitted(request: AlertRequest, submissionId: string, now: Date): Contents {
  return { submissions: [newSubmission(request, submissionId, now)], rejections: [] };
}

function rejected(fault: Fault, part: unknown): Contents {
  return { submissions: [], rejections: [{ ...fault, original: textOf(part) }] };
}

/** What is in our own envelope, which a deferral put back; undefined for anything else. */
export function openEnvelope(
  value: unknown,
): Result<Pick<SubmissionEnvelope, 'submission' | 'claimKey'>, Fault> | undefined {
  if (!isJsonObject(value) || value.kind !== 'submission') {
    return undefined;
  }
  const parsed = submissionEnvelopeSchema.safeParse(value);
  if (parsed.success) {
    const { submission, claimKey } = parsed.data;
    return success({ submission, claimKey });
  }
  const detail =
    value.version === 1
      ? `the pipeline's own envelope is damaged: ${describeIssues(parsed.error)}`
      : `the version of the envelope is ${quote(value.version)}, and this release knows 1; a newer release may have written it`;
  const alertId = isJsonObject(value.submission) ? value.submission.alertId : undefined;
  return faulty('bad-envelope', detail, alertIdSchema.safeParse(alertId).data);
}
