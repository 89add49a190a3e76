import type { StoredAnswer } from '../enrichment/answer.ts';

/**
 * The right to look an alert up and to publish what was found, until it expires. It belongs to one message, and passes
 * on to the copy that this message puts back: the copy carries the key. So of two messages with the same submission
 * only one looks up.
 */
export interface Claim {
  submissionId: string;
  messageId: string;
  /** New with every claim taken. */
  key: string;
  expiresAt: Date;
  /** Why its submission was put back, where it is held for a second look. */
  deferral?: { reason: string; detail: string } | undefined;
}

/** What the row of an alert says, as far as a claim is concerned. */
export interface AlertState {
  claim: Claim | undefined;
  answer: StoredAnswer | undefined;
  /** Submissions whose enrichment has been published, oldest first. */
  published: readonly string[];
}

/** The record of an alert as read, with the ETag that a conditional write presents. */
export interface AlertRecord {
  alertId: string;
  state: AlertState;
  /** Changes with every write. */
  etag: string;
}

/**
 * The records of alerts, one an alert, shared by all processes. Writes are conditional: they tell when another process
 * wrote in between and change nothing then. All methods throw when the storage service cannot be used.
 */
export interface AlertRecords {
  read(alertId: string): Promise<AlertRecord | undefined>;
  /** Makes it known that an alert was submitted: a new record without a claim, or nothing when it has one already. */
  announce(alertId: string): Promise<void>;
  /** A new record with the claim, or undefined when the alert has a record already. */
  create(alertId: string, claim: Claim): Promise<AlertRecord | undefined>;
  /** Takes or prolongs a claim. */
  claim(record: AlertRecord, claim: Claim): Promise<AlertRecord | undefined>;
  /**
   * Stores the final answer; the claim goes on until that is published. An answer without a device leaves the last
   * known device in place.
   */
  store(record: AlertRecord, answer: StoredAnswer): Promise<AlertRecord | undefined>;
  /** Remembers that the submission's enrichment has been published, and ends its claim. */
  addPublished(record: AlertRecord, submissionId: string): Promise<AlertRecord | undefined>;
}
