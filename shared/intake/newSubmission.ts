import type { AlertRequest } from './alertRequest.ts';
import type { Submission } from './submission.ts';

/** A submission at the beginning of its way. */
export function newSubmission(request: AlertRequest, submissionId: string, now: Date): Submission {
  return {
    ...request,
    submissionId,
    firstSeen: now.toISOString(),
    attempts: 0,
    notFoundAnswers: 0,
    deferrals: 0,
  };
}
