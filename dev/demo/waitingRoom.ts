import type { HostEvent } from './hostLines.ts';

/** The submissions that are put back at the moment. */
export interface WaitingRoom {
  hear(event: HostEvent): void;
  /** How many wait, by the reason. */
  byReason(): ReadonlyMap<string, number>;
}

export function createWaitingRoom(): WaitingRoom {
  const reasons = new Map<string, string>();
  return {
    hear(event) {
      if (event.event !== 'submission') {
        return;
      }
      if (event.result === 'deferred') {
        reasons.set(event.submissionId, event.reason ?? 'unknown');
      } else {
        reasons.delete(event.submissionId);
      }
    },
    byReason() {
      const groups = Map.groupBy(reasons.values(), (reason) => reason);
      return new Map([...groups].map(([reason, { length }]) => [reason, length]));
    },
  };
}
