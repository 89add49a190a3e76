import { alertIdSchema } from '../alertId.ts';
import { describeIssues } from '../alertRequest.ts';
import { isJsonObject, quote } from '../jsonText.ts';
import { type Faulty, faulty } from '../rejection.ts';
import { type Submission, submissionEnvelopeSchema } from '../submission.ts';

/** The submission in our own envelope, which a deferral put back; undefined for anything else. */
export function openEnvelope(value: unknown): { ok: true; submission: Submission } | Faulty | undefined {
  if (!isJsonObject(value) || value.kind !== 'submission') {
    return undefined;
  }
  const parsed = submissionEnvelopeSchema.safeParse(value);
  if (parsed.success) {
    return { ok: true, submission: parsed.data.submission };
  }
  const detail =
    value.version === 1
      ? `the pipeline's own envelope is damaged: ${describeIssues(parsed.error)}`
      : `the version of the envelope is ${quote(value.version)}, and this release knows 1; a newer release may have written it`;
  const alertId = isJsonObject(value.submission) ? value.submission.alertId : undefined;
  return faulty('bad-envelope', detail, alertIdSchema.safeParse(alertId).data);
}
