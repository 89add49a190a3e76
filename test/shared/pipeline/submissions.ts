import type { Submission } from '#shared/intake/submission.ts';

/** When the submissions of these tests are first seen. */
export const seenAt = new Date('2026-11-23T12:00:00Z');

export function submissionOf(changes: Partial<Submission> = {}): Submission {
  return {
    alertId: 'alert-1',
    submissionId: 'submission-1',
    firstSeen: seenAt.toISOString(),
    attempts: 0,
    notFoundAnswers: 0,
    deferrals: 0,
    ...changes,
  };
}

/** A time this many milliseconds after the submissions were first seen. */
export function laterBy(milliseconds: number): Date {
  return new Date(seenAt.getTime() + milliseconds);
}
