import type { AlertRequest } from './alertRequest.ts';
import type { Bearer } from './bearer.ts';
import { decodeBody } from './decode.ts';
import { openEnvelope } from './envelope.ts';
import { textOf } from './jsonText.ts';
import { type Delivery, messageIdOf } from './messageId.ts';
import { newSubmission } from './newSubmission.ts';
import { readPayload } from './readPayload.ts';
import type { Fault, Rejection } from './rejection.ts';
import type { Submission } from './submission.ts';

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
