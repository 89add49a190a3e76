import type { Machine } from '../device/machine.ts';
import type { CallRequest, Wait } from '../quota/callGate.ts';

/** What a source is asked for: one alert, with what the submitter knows about it. */
export interface AlertReference {
  alertId: string;
  machineId?: string | undefined;
  /** True when the submission comes back for the turn it was promised in the line for quota. */
  inLine: boolean;
  /**
   * Set when a caller waits for the answer, until this signal. Its calls go before the line, as far as urgent calls may, and
   * none is begun after the signal. One that is under way then is finished: it has cost quota.
   */
  urgentUntil?: AbortSignal | undefined;
  /** True when the submission was put back before: what an earlier run found may be kept for it. */
  isReturning: boolean;
  /** True when the submitter wants a new look-up, whatever is known already. */
  refresh: boolean;
  /** When the submission was first seen: its alert was raised before. */
  firstSeen: Date;
}

/** The place in the line for quota of the first call about an alert. */
export function placeOf({
  inLine,
  urgentUntil,
}: Pick<AlertReference, 'inLine' | 'urgentUntil'>): CallRequest['place'] {
  if (inLine) {
    return 'turn';
  }
  return urgentUntil === undefined ? 'last' : 'urgent';
}

/** When a look-up waits no longer for a slot or for others: at the end of its run, or when its caller's time is up. */
export function endOfWaiting(
  { urgentUntil }: Pick<AlertReference, 'urgentUntil'>,
  signal: AbortSignal,
): AbortSignal {
  return urgentUntil === undefined ? signal : AbortSignal.any([signal, urgentUntil]);
}

/** The sources there are; the name stands in rows and messages. */
export type SourceName = 'defender' | 'graph';

/** The names of the sources for people. */
export const SOURCE_LABELS: Record<SourceName, string> = { defender: 'Defender', graph: 'Microsoft Graph' };

/**
 * What a source answers about one alert. All expected outcomes are here; a source throws only for bugs and when our own
 * storage fails.
 */
export type SourceAnswer =
  /**
   * The device behind the alert, valid: as received, or made of what was received. `unavailable` names the properties
   * of a machine that the source cannot know, so that their absence says nothing about the device.
   */
  | {
      kind: 'found';
      source: SourceName;
      machine: Machine;
      retrievedAt: Date;
      unavailable: readonly string[];
      /** Set when lists told it, and not a call about this alert. */
      bulk?: true;
    }
  /**
   * The source knows no such alert, or no device behind it. `isCertain` when it knows the alert and that it has no
   * device: asking again would bring the same.
   */
  | { kind: 'not_found'; detail: string; isCertain?: true }
  /** Not the alert's fault: no attempt is counted. */
  | Wait
  /**
   * No look-up before `until`: the circuit is open (no token, no role, the API is gone), or `auto` does not know yet
   * whether Defender is gone. Not the alert's fault: no attempt is counted.
   */
  | { kind: 'denied'; until: Date; detail: string }
  /** The source failed for now: network, timeout, 5xx. `retryAfterMs` is its own word on how long. */
  | { kind: 'unavailable'; retryAfterMs?: number | undefined; detail: string }
  /** The answer is of no use: no machine, or too long. Asked again it may be the same. */
  | { kind: 'unusable'; detail: string }
  /** The source lets the app ask, but not about this alert. It may change its mind. */
  | { kind: 'forbidden'; detail: string }
  /** Our own time was up before the answer came: no attempt is counted. */
  | { kind: 'interrupted'; detail: string }
  /** The source refuses this alert for good. */
  | { kind: 'rejected'; code: string; message: string; target?: string | undefined };

/**
 * Where a machine comes from. A source decides itself how many calls an answer costs and asks the quota for each, so a
 * source that answers many alerts in one call fits behind this interface too.
 */
export interface Source {
  /** The source that answers now: `auto` may change it. */
  readonly name: SourceName;
  find(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer>;
}

/** A part of an answer that is kept, and when it was had. */
export interface Kept<Part> {
  part: Part;
  retrievedAt: Date;
}

/**
 * Whether a part may serve a submission. A part that was had after the submission came is an answer to it; an older one
 * serves it only for `reuseForMs` after it was had.
 */
export function isFresh(
  { retrievedAt }: Kept<unknown>,
  firstSeen: Date,
  reuseForMs: number,
  now: Date,
): boolean {
  return retrievedAt >= firstSeen || now.getTime() - retrievedAt.getTime() < reuseForMs;
}

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
  /** The device as the entry describes it, in the source's own form. */
  evidence?: unknown;
  /** True for an alert without a device, as other products have: a feed leaves it out. */
  isDeviceless?: true;
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
