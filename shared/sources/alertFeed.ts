/** An alert as a list shows it: which it is, and what a filter looks at. Texts are as received. */
export interface ListedAlert {
  /** Untrusted text. */
  alertId: string;
  machineId: string | undefined;
  tenantId: string | undefined;
  severity: string | undefined;
  status: string | undefined;
  detectionSource: string | undefined;
  updatedAt: Date | undefined;
}

/** A part of a list. */
export interface AlertBatch {
  alerts: ListedAlert[];
  /** Entries that are no alert. */
  invalid: number;
}

/** How a listing ended. Only `complete` means that every alert was handed over which did not change meanwhile. */
export type ListingEnd =
  | { kind: 'complete' }
  | {
      kind:
        | 'moved'
        | 'deadline'
        | 'throttled'
        | 'denied'
        | 'forbidden'
        | 'not_found'
        | 'unavailable'
        | 'rejected';
      /** For a person: what happened, and what to do if anything. */
      detail: string;
    };

/** Where new alerts are found. It decides itself how many calls a list costs and asks the quota for each. */
export interface AlertFeed {
  /**
   * Hands over the alerts updated at or after `since`, batch by batch and in no particular order. An alert that
   * changes meanwhile may come twice, or not at all; it then has a later time of update.
   * @returns How it ended, after how many calls; `listedUntil` says of one that is not complete that all updates before
   * that time were handed over.
   * @throws What `take` throws, and when our own storage fails.
   */
  listUpdatedSince(
    since: Date,
    take: (batch: AlertBatch) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ end: ListingEnd; calls: number; listedUntil?: Date }>;
}
