import { failure, type Result } from '../result.ts';

/** Why a message, or a part of one, became no submission. The codes are stable: dead letters are filtered by them. */
export type RejectionReason =
  /** No text, or a list without items. */
  | 'empty'
  /** Base64 that does not hold UTF-8 text. */
  | 'bad-encoding'
  /** Text that starts like JSON and is not. */
  | 'bad-json'
  /** JSON in none of the known forms, a list in a list, or an event in an event. */
  | 'not-an-alert'
  /** A known form whose alert ID is missing or does not pass the gate. */
  | 'bad-alert-id'
  /** A known form with another field of the wrong type, size or version. */
  | 'bad-field'
  /** The pipeline's own envelope, damaged or of a version this release does not know. */
  | 'bad-envelope'
  /** More alerts in one message than are taken. */
  | 'too-many';

/** What is wrong with a part of a message. */
export interface Fault {
  reason: RejectionReason;
  /** To a person: what was wrong and what is expected. */
  detail: string;
  /** The alert ID, where it is sound and something else is wrong. */
  alertId?: string;
}

/** A part of a message that became no submission, with its text as received. */
export interface Rejection extends Fault {
  original: string;
}

/** The result for a part that cannot be used. */
export function faulty(reason: RejectionReason, detail: string, alertId?: string): Result<never, Fault> {
  return failure({ reason, detail, ...(alertId !== undefined && { alertId }) });
}
