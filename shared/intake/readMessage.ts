import { type AlertRequest, describeIssues, newSubmission } from './alertRequest.ts';
import { decodeBody } from './decode.ts';
import { isJsonObject, quote, textOf } from './jsonText.ts';
import { type Bearer, type Delivery, messageIdOf } from './queueMessage.ts';
import { readPayload } from './readPayload.ts';
import { type Fault, type Faulty, faulty, type Rejection } from './rejection.ts';
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
  bearer: Bearer;
}

/**
 * Turns what the queue trigger hands over into submissions and rejections. Throws for no input.
 * @param body The message: text, or the JSON value that the Functions library parsed from it.
 * @param now When the message is read; a new submission is first seen then.
 */
export function readMessage(body: unknown, delivery: Delivery, now: Date): Intake {
  const decoded = decodeBody(body);
  const payload = decoded.ok && !decoded.base64 ? decoded.value : undefined;
  const messageId = messageIdOf(body, payload, delivery);
  if (!decoded.ok) {
    return { ...rejected(decoded.fault, body), bearer: { messageId } };
  }
  const envelope = openEnvelope(decoded.value);
  if (envelope === undefined) {
    return { ...alertsIn(decoded, messageId, body, now), bearer: { messageId } };
  }
  if (!envelope.ok) {
    return { ...rejected(envelope.fault, body), bearer: { messageId } };
  }
  const { submission, claimKey } = envelope;
  return { submissions: [submission], rejections: [], bearer: { messageId, claimKey } };
}

/** A message's own ID becomes that of its submission. */
function alertsIn(
  { value, base64 }: { value: unknown; base64: boolean },
  messageId: string,
  body: unknown,
  now: Date,
): Contents {
  const reading = readPayload(value);
  if (reading.kind === 'list') {
    const intakes = reading.items.map(({ part, finding }, index) =>
      finding.ok ? submitted(finding.request, `${messageId}.${index}`, now) : rejected(finding.fault, part),
    );
    return {
      submissions: intakes.flatMap((intake) => intake.submissions),
      rejections: intakes.flatMap((intake) => intake.rejections),
    };
  }
  const { finding } = reading;
  if (finding.ok) {
    return submitted(finding.request, messageId, now);
  }
  const { detail } = finding.fault;
  return rejected({ ...finding.fault, detail: base64 ? `decoded from base64: ${detail}` : detail }, body);
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
): ({ ok: true } & Pick<SubmissionEnvelope, 'submission' | 'claimKey'>) | Faulty | undefined {
  if (!isJsonObject(value) || value.kind !== 'submission') {
    return undefined;
  }
  const parsed = submissionEnvelopeSchema.safeParse(value);
  if (parsed.success) {
    const { submission, claimKey } = parsed.data;
    return { ok: true, submission, claimKey };
  }
  const detail =
    value.version === 1
      ? `the pipeline's own envelope is damaged: ${describeIssues(parsed.error)}`
      : `the version of the envelope is ${quote(value.version)}, and this release knows 1; a newer release may have written it`;
  const alertId = isJsonObject(value.submission) ? value.submission.alertId : undefined;
  return faulty('bad-envelope', detail, alertIdSchema.safeParse(alertId).data);
}
