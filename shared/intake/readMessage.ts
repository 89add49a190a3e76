import type { AlertRequest } from './alertRequest.ts';
import { decodeBody } from './decode.ts';
import { openEnvelope } from './forms/envelope.ts';
import { textOf } from './jsonText.ts';
import { readContent } from './readContent.ts';
import type { Fault, Rejection } from './rejection.ts';
import type { Submission } from './submission.ts';
import { type Delivery, submissionIdOf } from './submissionId.ts';

/** What a message came to. Every alert in it is in exactly one of the two. */
export interface Intake {
  submissions: Submission[];
  rejections: Rejection[];
}

/**
 * Turns what the queue trigger hands over into submissions and rejections. Throws for no input.
 * @param body The message: text, or the JSON value that the Functions library parsed from it.
 * @param now When the message is read; a new submission is first seen then.
 */
export function readMessage(body: unknown, delivery: Delivery, now: Date): Intake {
  const decoded = decodeBody(body);
  if (!decoded.ok) {
    return rejected(decoded.fault, body);
  }
  const envelope = openEnvelope(decoded.value);
  if (envelope !== undefined) {
    return envelope.ok
      ? { submissions: [envelope.submission], rejections: [] }
      : rejected(envelope.fault, body);
  }
  const reading = readContent(decoded.value);
  const submissionId = submissionIdOf(body, decoded.base64 ? undefined : decoded.value, delivery);
  if (reading.kind === 'list') {
    const intakes = reading.items.map(({ part, finding }, index) =>
      finding.ok
        ? submitted(finding.request, `${submissionId}.${index}`, now)
        : rejected(finding.fault, part),
    );
    return {
      submissions: intakes.flatMap((intake) => intake.submissions),
      rejections: intakes.flatMap((intake) => intake.rejections),
    };
  }
  const { finding } = reading;
  if (finding.ok) {
    return submitted(finding.request, submissionId, now);
  }
  const { detail } = finding.fault;
  return rejected(
    { ...finding.fault, detail: decoded.base64 ? `decoded from base64: ${detail}` : detail },
    body,
  );
}

function submitted(request: AlertRequest, submissionId: string, now: Date): Intake {
  const firstSeen = now.toISOString();
  return {
    submissions: [{ ...request, submissionId, firstSeen, attempts: 0, notFoundAnswers: 0, deferrals: 0 }],
    rejections: [],
  };
}

function rejected(fault: Fault, part: unknown): Intake {
  return { submissions: [], rejections: [{ ...fault, original: textOf(part) }] };
}
