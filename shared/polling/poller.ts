import { newSubmission } from '../intake/alertRequest.ts';
import { isAlertId, type Submission, submissionSchema } from '../intake/submission.ts';
import type { Submit } from '../pipeline/submitAll.ts';
import { atMost } from '../promises.ts';
import type { AlertBatch, AlertFeed, ListedAlert, ListingEnd } from '../sources/source.ts';

/** Finds new alerts by itself and submits each of them. */
export interface Poller {
  /**
   * Makes one pass over the alerts updated since the watermark, and a little further back.
   * @throws When our own storage fails: the next pass begins where this one did.
   */
  poll(signal: AbortSignal): Promise<PollReport>;
}

/** What one pass did. Every alert listed is in exactly one of the four counts after `listed`. */
export interface PollReport {
  since: Date;
  /** Alerts on the list. */
  listed: number;
  submitted: number;
  /** Alerts that were submitted before, by the poller or in another way. */
  known: number;
  /** Alerts that the settings do not ask for. */
  filtered: number;
  /** Entries that are no alert, or whose alert ID is none. */
  invalid: number;
  calls: number;
  /** The watermark after the pass. */
  watermark: Date;
  tookMs: number;
  /** Why the pass is not complete; then the next pass goes on where this one ended. */
  ended?: Exclude<ListingEnd['kind'], 'complete'>;
  detail?: string;
  /** What was wrong with the stored watermark, in place of which this pass began a new one. */
  damage?: string;
}

/** The watermark as read, with the ETag that a write must present. */
export interface StoredWatermark {
  /** Undefined when there is none yet, or it cannot be read. */
  watermark: Date | undefined;
  /** When the last pass that came to its end began; undefined while there was none. */
  completedAt?: Date | undefined;
  /** What is wrong with the row, if anything. */
  damage?: string;
  /** Undefined while there is no row. */
  etag: string | undefined;
}

/** Keeps up to when alerts have been listed. Both methods throw when the storage service cannot be used. */
export interface WatermarkStore {
  read(): Promise<StoredWatermark>;
  /** The new ETag, or undefined when another process wrote first. */
  write(
    state: { watermark: Date; completedAt: Date | undefined },
    etag: string | undefined,
  ): Promise<string | undefined>;
}

/** What a pass tells the log. */
export type PollEvent =
  | ({ event: 'poll'; tenantId?: string } & PollReport)
  /** A pass of one tenant failed; the others go on. */
  | { event: 'poll_failed'; tenantId?: string; detail: string };

/** What a poller of one tenant needs. */
export interface PollerDeps {
  feed: AlertFeed;
  watermarks: WatermarkStore;
  /** Whether the alert has a record: then it has been submitted. */
  hasRecord: (alertId: string) => Promise<boolean>;
  submit: Submit;
  filter: AlertFilter;
  now: () => Date;
  /** The customer's tenant whose alerts these are, even if the list names another; undefined for the home tenant. */
  tenantId?: string | undefined;
}

/** Most reads of records under way at a time. */
const READS_AT_ONCE = 16;
/** Most alerts that are remembered from one pass to the next; of others the record is read again. */
const MOST_REMEMBERED = 20_000;

/**
 * Creates the poller of one tenant. It remembers alerts of the pass before, to read fewer records.
 * @example
 * const poller = createPoller({ feed, watermarks, hasRecord, submit, filter, now: () => new Date() });
 * const { submitted, watermark, ended } = await poller.poll(AbortSignal.timeout(60_000));
 */
export function createPoller(deps: PollerDeps): Poller {
  const { feed, watermarks, hasRecord, submit, filter, now, tenantId } = deps;
  const limited = atMost(READS_AT_ONCE);
  /** Alerts of the pass before that have a record. */
  let remembered: ReadonlySet<string> = new Set();

  /** The first pass of all fixes the watermark, so that nothing is lost when it fails. */
  async function readWatermark(startedAt: Date): Promise<StoredWatermark & { watermark: Date }> {
    const stored = await watermarks.read();
    return stored.watermark === undefined
      ? {
          ...stored,
          watermark: startedAt,
          etag: await watermarks.write({ watermark: startedAt, completedAt: undefined }, stored.etag),
        }
      : { ...stored, watermark: stored.watermark };
  }

  async function poll(signal: AbortSignal): Promise<PollReport> {
    const startedAt = now();
    const { watermark, completedAt, etag, damage } = await readWatermark(startedAt);
    const since = windowStart(watermark, startedAt);
    const counts = { listed: 0, submitted: 0, known: 0, filtered: 0, invalid: 0 };
    const seen = new Set<string>();
    let latestUpdate: Date | undefined;

    async function take({ alerts, invalid }: AlertBatch): Promise<void> {
      for (const { updatedAt } of alerts) {
        if (updatedAt !== undefined && !(latestUpdate && latestUpdate > updatedAt)) {
          latestUpdate = updatedAt;
        }
      }
      const wanted = alerts.filter((alert) => isWanted(alert, filter));
      const submissions = wanted.flatMap(
        (alert) => polledSubmission(tenantId === undefined ? alert : { ...alert, tenantId }, startedAt) ?? [],
      );
      const unknown = await withoutRecord(submissions, seen);
      const { queued, error } = await submit(unknown);
      if (error !== undefined) {
        throw error;
      }
      for (const { alertId } of submissions) {
        if (seen.size < MOST_REMEMBERED) {
          seen.add(alertId);
        }
      }
      counts.listed += alerts.length + invalid;
      counts.submitted += queued.length;
      counts.known += submissions.length - queued.length;
      counts.filtered += alerts.length - wanted.length;
      counts.invalid += invalid + wanted.length - submissions.length;
    }

    const { end, calls, listedUntil } = await feed.listUpdatedSince(since, take, signal);
    remembered = seen;
    const seenUntil = end.kind === 'complete' ? latestUpdate : listedUntil;
    const reached = nextWatermark(watermark, seenUntil, startedAt);
    // If another process wrote first, its pass did the same, and the next pass begins where that one ended.
    const isComplete = end.kind === 'complete';
    if ((isComplete || reached.getTime() !== watermark.getTime()) && etag !== undefined) {
      await watermarks.write({ watermark: reached, completedAt: isComplete ? startedAt : completedAt }, etag);
    }
    return {
      since,
      ...counts,
      calls,
      watermark: reached,
      tookMs: now().getTime() - startedAt.getTime(),
      ...(end.kind !== 'complete' && { ended: end.kind, detail: end.detail }),
      ...(damage !== undefined && { damage }),
    };
  }

  async function withoutRecord(
    submissions: readonly Submission[],
    seen: ReadonlySet<string>,
  ): Promise<Submission[]> {
    const candidates = new Map(
      submissions
        .filter(({ alertId }) => !remembered.has(alertId) && !seen.has(alertId))
        .map((submission) => [submission.alertId, submission]),
    );
    const found = await Promise.all(
      [...candidates.values()].map(async (submission) =>
        (await limited(() => hasRecord(submission.alertId))) ? [] : [submission],
      ),
    );
    return found.flat();
  }

  return { poll };
}

/** Which alerts are wanted; an empty list wants all. */
export interface AlertFilter {
  severities: readonly string[];
  statuses: readonly string[];
  detectionSources: readonly string[];
}

/**
 * Ignores upper and lower case, because the API's own spelling varies. An alert without a field passes no list for it.
 */
export function isWanted(alert: ListedAlert, filter: AlertFilter): boolean {
  return (
    isAmong(alert.severity, filter.severities) &&
    isAmong(alert.status, filter.statuses) &&
    isAmong(alert.detectionSource, filter.detectionSources)
  );
}

function isAmong(value: string | undefined, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((name) => name.toLowerCase() === value?.toLowerCase());
}

/**
 * How much further than the watermark each pass looks back (ms): an alert may become visible a while after the time of
 * its update, and clocks differ.
 */
const OVERLAP_MS = 10 * 60_000;

/** From when on alerts are listed. */
export function windowStart(watermark: Date, now: Date): Date {
  return new Date(earlier(watermark, now).getTime() - OVERLAP_MS);
}

/**
 * The watermark after a complete pass: the latest update that the pass saw, but not beyond its start, because alerts
 * updated since may have moved on the list to where the pass did not see them. It goes back only where it was ahead
 * of the clock.
 */
export function nextWatermark(watermark: Date, latestUpdate: Date | undefined, passStartedAt: Date): Date {
  const current = earlier(watermark, passStartedAt);
  const seen = earlier(latestUpdate ?? current, passStartedAt);
  return seen > current ? seen : current;
}

function earlier(left: Date, right: Date): Date {
  return left < right ? left : right;
}

/** Most characters of a submission ID. */
const LONGEST_SUBMISSION_ID = 128;

/**
 * The submission of an alert that was found on the list; undefined when its ID does not pass the gate. The submission
 * ID follows from the alert's: when a crash makes an alert be submitted twice, both are known as one.
 */
export function polledSubmission(alert: ListedAlert, now: Date): Submission | undefined {
  const { alertId } = alert;
  if (!isAlertId(alertId)) {
    return undefined;
  }
  const { machineId, tenantId } = submissionSchema.shape;
  const request = {
    alertId,
    machineId: machineId.safeParse(alert.machineId).data,
    tenantId: tenantId.safeParse(alert.tenantId).data,
  };
  // Compared within one alert only. The longest alert ID that was ever seen has 40 characters.
  return newSubmission(request, `poll.${alertId}`.slice(0, LONGEST_SUBMISSION_ID), now);
}
