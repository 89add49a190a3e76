import * as z from 'zod';
import { formatDuration, parseDuration, parsedBy, whenValid, withDefault } from './setting.ts';

/**
 * How long one run of a function may take before it aborts its own work. Well below `functionTimeout` in host.json,
 * so that a slow alert ends as a deferral and not with the host killing the worker.
 */
export const FUNCTION_DEADLINE_MS = 120_000;

/** Longest time of a pass of the poller (ms). The last page that it begins in time may take a while longer. */
export const POLL_DEADLINE_MS = 300_000;

/** Longest time of a pass over one of several tenants (ms): their timer fires each minute. The next pass continues the list. */
export const TENANT_POLL_DEADLINE_MS = 45_000;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The shortest and the longest that is allowed, in milliseconds, both included. */
type Range = readonly [shortestMs: number, longestMs: number];

/** Queue Storage hides a message for a week at most: https://learn.microsoft.com/rest/api/storageservices/put-message */
const QUEUE_DELAY: Range = [1, 7 * DAY_MS];
/** Growing delays stop growing at 15 minutes, so their base lies no further. */
const BASE_DELAY: Range = [1, 15 * MINUTE_MS];
/** Half of a run at most, so that the other half is left for the call. */
const WAIT: Range = [0, FUNCTION_DEADLINE_MS / 2];
/** A year is beyond any sensible wish and safe to add to a date. */
const AGE: Range = [1, 365 * DAY_MS];
const AGE_OR_NONE: Range = [0, 365 * DAY_MS];

/** The settings of everything that waits or ages. */
export const timingSettings = z.object({
  NOT_FOUND_RETRIES: withDefault(
    parsedBy((text) => parseDurations(text, QUEUE_DELAY)),
    {
      default: '30s,2m,10m',
      what: 'Delays after which an alert that Defender does not know is asked for again; after the last it is `not_found`.',
      allowed: `durations ${inWords(QUEUE_DELAY)} with commas between; \`0\` asks only once`,
    },
  ),
  RETRY_BASE_DELAY: withDefault(durationIn(BASE_DELAY), {
    default: '5s',
    what: 'Delay that deferrals after a failure grow from, by doubling.',
    allowed: `a duration ${inWords(BASE_DELAY)}`,
  }),
  IN_PROCESS_WAIT: withDefault(durationIn(WAIT), {
    default: '20s',
    what: 'The longest that a worker waits for a turn in the quota before it defers the alert.',
    allowed: `a duration ${inWords(WAIT)}`,
  }),
  CLAIM_EXPIRY: withDefault(durationIn(QUEUE_DELAY), {
    default: '150s',
    what: `How long an instance keeps others from the alert it works on. Below the \`${formatDuration(FUNCTION_DEADLINE_MS)}\` that one run may take, two instances may spend a call on the same alert.`,
    allowed: `a duration ${inWords(QUEUE_DELAY)}, longer than \`IN_PROCESS_WAIT\``,
  }),
  REUSE_FOR: withDefault(durationIn(AGE_OR_NONE), {
    default: '15m',
    what: 'How long a stored enrichment answers further submissions of its alert without a call; `0` turns that off.',
    allowed: `a duration ${inWords(AGE_OR_NONE)}`,
  }),
  MAX_AGE: withDefault(durationIn(AGE), {
    default: '24h',
    what: 'How long look-ups of an alert may fail in a row before it is given up as `failed`. Time that it waits for quota or a role does not count.',
    allowed: `a duration ${inWords(AGE)}`,
  }),
  LOCAL_HOST_LEASE_SECONDS: withDefault(
    parsedBy((text) => (/^\d{1,6}$/.test(text) ? within(Number(text), [1, 604_800]) : undefined)),
    {
      default: '600',
      what: "For the local host only: how long a message stays hidden while a function works on it. The real host's lease is fixed.",
      allowed: 'whole seconds from 1 to 604800',
    },
  ),
});

export const timingSchema = timingSettings
  .refine((settings) => settings.CLAIM_EXPIRY > settings.IN_PROCESS_WAIT, {
    path: ['CLAIM_EXPIRY'],
    when: whenValid('IN_PROCESS_WAIT', 'CLAIM_EXPIRY'),
  })
  .transform((settings) => ({
    timing: {
      notFoundRetriesMs: settings.NOT_FOUND_RETRIES,
      retryBaseDelayMs: settings.RETRY_BASE_DELAY,
      inProcessWaitMs: settings.IN_PROCESS_WAIT,
      claimExpiryMs: settings.CLAIM_EXPIRY,
      reuseForMs: settings.REUSE_FOR,
      maxAgeMs: settings.MAX_AGE,
      localHostLeaseMs: settings.LOCAL_HOST_LEASE_SECONDS * 1_000,
    },
  }));

function durationIn(range: Range) {
  return parsedBy((text) => within(parseDuration(text), range));
}

function parseDurations(text: string, range: Range): number[] | undefined {
  if (text === '0') {
    return [];
  }
  const durations = text.split(',').map((part) => within(parseDuration(part.trim()), range));
  return durations.every((duration) => duration !== undefined) ? durations : undefined;
}

function within(value: number | undefined, [lowest, highest]: Range): number | undefined {
  return value !== undefined && value >= lowest && value <= highest ? value : undefined;
}

function inWords([shortestMs, longestMs]: Range): string {
  return `from \`${formatDuration(shortestMs)}\` to \`${formatDuration(longestMs)}\``;
}
