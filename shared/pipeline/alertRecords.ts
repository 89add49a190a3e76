import type { StoredAnswer } from '../enrichment/answer.ts';
import type { AlertState, Claim } from './claim.ts';

/** The record of an alert as read, with the ETag that a conditional write presents. */
export interface AlertRecord {
  alertId: string;
  state: AlertState;
  /** Changes with every write by anybody. */
  etag: string;
}

/**
 * The records of alerts, one an alert, shared by all workers. Writes are conditional: they tell when another worker
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
