import { alertIdSchema } from './alertId.ts';
import { describeIssues } from './alertRequest.ts';
import { isJsonObject, quote } from './jsonText.ts';
import { type Faulty, faulty } from './rejection.ts';
import { type SubmissionEnvelope, submissionEnvelopeSchema } from './submission.ts';

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
