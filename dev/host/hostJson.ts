import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import * as z from 'zod';

/** The longest delay that a Node timer can hold, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const timeSpan = z.string().transform((text, context) => {
  const milliseconds = parseTimeSpan(text);
  if (milliseconds !== undefined) {
    return milliseconds;
  }
  context.addIssue(`"${text}" is not of the form hh:mm:ss, or is longer than 24 days`);
  return z.NEVER;
});

const queuesSchema = z
  .object({
    batchSize: z.int().min(1).max(32).default(16),
    newBatchThreshold: z.int().min(0).optional(),
    maxDequeueCount: z.int().min(1).default(5),
    /** Milliseconds. A minute in Azure; the host polls at least every 2 s in Development. */
    maxPollingInterval: timeSpan.pipe(z.number().min(100)).default(2_000),
    /** Milliseconds that a failed message waits for its next attempt; it is not the lease. */
    visibilityTimeout: timeSpan.default(0),
    messageEncoding: z.enum(['base64', 'none']).default('base64'),
  })
  .transform((queues) => ({
    ...queues,
    newBatchThreshold: queues.newBatchThreshold ?? Math.floor(queues.batchSize / 2) * availableParallelism(),
  }));
/** How queue triggers work, with the Functions host's defaults. */
export type QueueOptions = z.infer<typeof queuesSchema>;

const hostJsonSchema = z.object({
  version: z.literal('2.0'),
  /** Milliseconds; undefined: no limit (`-1`). */
  functionTimeout: z
    .union([z.literal('-1').transform(() => undefined), timeSpan.pipe(z.number().min(1_000))])
    .prefault('00:30:00'),
  extensions: z
    .object({
      queues: queuesSchema.prefault({}),
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
    })
    .prefault({}),
});
export type HostJson = z.infer<typeof hostJsonSchema>;

/**
 * Reads the part of host.json that the local host obeys; the rest is left to the real host.
 * @throws Error when the file is missing, is not JSON or holds a value that the host would refuse.
 */
export function readHostJson(appRoot: string): HostJson {
  const path = resolve(appRoot, 'host.json');
  const parsed = hostJsonSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) {
    throw new Error(`${path} is not as the host reads it:\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/**
 * Milliseconds of a .NET time span as host.json writes it, `[d.]hh:mm:ss[.fff]`;
 * undefined for any other text.
 */
function parseTimeSpan(text: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d\d?):([0-5]?\d):([0-5]?\d(?:\.\d{1,7})?)$/.exec(text);
  if (!match) {
    return undefined;
  }
  const [, days = '0', hours, minutes, seconds] = match;
  if (Number(hours) > 23) {
    return undefined;
  }
  const milliseconds =
    ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1000;
  return milliseconds <= LONGEST_TIMER_MS ? milliseconds : undefined;
}
