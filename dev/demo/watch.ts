import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { QueueClient } from '@azure/storage-queue';
import * as z from 'zod';
import { enrichmentPointerSchema, enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import { type QuotaAnswer, quotaAnswerSchema } from '#shared/http/contract.ts';
import { deadLetterSchema } from '#shared/pipeline/outbox.ts';
import { parseJson } from '#shared/text.ts';
import type { Sample } from './samples.ts';
import type { SimulatorClient } from './simulatorClient.ts';

const eventSchema = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('submission'),
    alertId: z.string(),
    submissionId: z.string(),
    /** `enriched`, `not_found`, `failed`, `deferred` or `repeated`. */
    result: z.string(),
    reason: z.string().optional(),
    detail: z.string().optional(),
  }),
  z.object({ event: z.literal('rejected'), detail: z.string() }),
]);

/** A line of the host's output, as far as the demo shows it. */
export type HostLine =
  | { kind: 'event'; event: z.infer<typeof eventSchema> }
  /** A warning or an error. */
  | { kind: 'trouble'; text: string };

export type HostLines = EventEmitter<{ line: [HostLine] }>;

/** Undefined for a line that tells nothing of interest. */
export function readHostLine(line: string): HostLine | undefined {
  const [, level, text = ''] = /^\S+ (information|warning|error|critical) [\w.-]+: (.*)$/.exec(line) ?? [];
  if (level === 'information') {
    const event = eventSchema.safeParse(parseJson(text)).data;
    return event && { kind: 'event', event };
  }
  return level === undefined ? undefined : { kind: 'trouble', text };
}

const enrichmentMessageSchema = z.union([enrichmentSchema, enrichmentPointerSchema]);
export type EnrichmentMessage = z.infer<typeof enrichmentMessageSchema>;

/** What has come out of the app. */
export interface Results {
  /** By submission ID: a message that arrives twice counts once. */
  enrichments: Map<string, EnrichmentMessage>;
  /** `isSubmission` when the message held an alert: then an enrichment tells of it too. */
  deadLetters: { reason: string; detail: string; original: string; isSubmission: boolean }[];
}

/** Takes what is in the queues of enrichments and of dead letters, as a consumer would, and adds it. */
async function collectResults(queues: Watched['queues'], results: Results): Promise<void> {
  for await (const text of takeMessages(queues.enrichments)) {
    const enrichment = enrichmentMessageSchema.parse(parseJson(text));
    results.enrichments.set(enrichment.submissionId, enrichment);
  }
  for await (const text of takeMessages(queues.poison)) {
    const letter = deadLetterSchema.safeParse(parseJson(text)).data;
    const { reason, detail, original } = letter ?? {
      reason: 'given-up',
      detail: 'the function failed with this message until the host gave it up',
      original: text,
    };
    results.deadLetters.push({
      ...{ reason, detail, original },
      isSubmission: letter === undefined || letter.submission !== undefined,
    });
  }
}

/** What is there now, a part of it at a time: while an outbreak drains there is always more. */
async function* takeMessages(queue: QueueClient): AsyncGenerator<string> {
  for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
    if (receivedMessageItems.length === 0) {
      return;
    }
    yield* receivedMessageItems.map(({ messageText }) => Buffer.from(messageText, 'base64').toString('utf8'));
    await Promise.all(
      receivedMessageItems.map(({ messageId, popReceipt }) => queue.deleteMessage(messageId, popReceipt)),
    );
  }
}

const MOST_BATCHES = 5;

/** How far the sample is. */
export interface Progress {
  submitted: number;
  /** Submissions and malformed parts of the sample that have not ended yet. */
  open: number;
  enriched: number;
  notFound: number;
  deadLetters: number;
  /** Submissions that were put back, by the reason. */
  waiting: ReadonlyMap<string, number>;
  /** Calls by what was asked for. */
  calls: Readonly<Record<string, number>>;
  /** Undefined where the app does not answer. */
  quota: QuotaAnswer | undefined;
  elapsedMs: number;
}

/** What somebody else submits meanwhile does not count, unless it is an alert of the sample. */
export function openParts(samples: readonly Sample[], { enrichments, deadLetters }: Results): number {
  const open = new Map<string, number>();
  const add = (alertId: string, count: number) =>
    open.set(alertId, Math.max(0, (open.get(alertId) ?? 0) + count));
  for (const { alertIds } of samples) {
    for (const alertId of alertIds) {
      add(alertId, 1);
    }
  }
  for (const { alertId } of enrichments.values()) {
    add(alertId, -1);
  }
  const rejections = deadLetters.filter(({ isSubmission }) => !isSubmission).length;
  return sum(open.values()) + Math.max(0, sum(samples.map((sample) => sample.rejections)) - rejections);
}

/** How the watching ended; `open` is how much was not final then. */
export interface WatchEnd {
  reason: 'final' | 'interrupted' | 'too late' | 'host ended';
  results: Results;
  open: number;
}

export interface Watched {
  queues: { enrichments: QueueClient; poison: QueueClient };
  simulator: SimulatorClient;
  hostUrl: string;
  hostLines: HostLines;
  hostEnded: Promise<void>;
}

/** Shows how far the sample is, and what goes wrong. */
export interface ProgressView {
  show(progress: Progress): void;
  /** A line that stays. */
  note(line: HostLine): void;
  /** The last state stays on the screen. */
  end(): void;
}

const LOOK_EVERY_MS = 500;
/** A sound run takes a small part of that, whatever its backlog. */
const PATIENCE_MS = 30 * 60_000;

/** Collects what comes out and shows how far the sample is, until all of it is final or nothing more can come. */
export async function watchSample(
  samples: readonly Sample[],
  { queues, simulator, hostUrl, hostLines, hostEnded }: Watched,
  view: ProgressView,
  interrupted: AbortSignal,
): Promise<WatchEnd> {
  const results: Results = { enrichments: new Map(), deadLetters: [] };
  const reasons = new Map<string, string>();
  const hear = (line: HostLine) => {
    if (line.kind === 'trouble') {
      view.note(line);
    } else if (line.event.event === 'submission' && line.event.result === 'deferred') {
      reasons.set(line.event.submissionId, line.event.reason ?? 'unknown');
    } else if (line.event.event === 'submission') {
      reasons.delete(line.event.submissionId);
    }
  };
  let hostIsGone = false;
  void hostEnded.then(() => {
    hostIsGone = true;
  });
  const startedAt = Date.now();
  const submitted = sum(samples.map(({ alertIds, rejections }) => alertIds.length + rejections));
  hostLines.on('line', hear);
  try {
    for (;;) {
      await collectResults(queues, results);
      const outcomes = [...results.enrichments.values()].map(({ outcome }) => outcome);
      const open = openParts(samples, results);
      const elapsedMs = Date.now() - startedAt;
      view.show({
        ...{ submitted, open, elapsedMs },
        enriched: outcomes.filter((outcome) => outcome === 'enriched').length,
        notFound: outcomes.filter((outcome) => outcome === 'not_found').length,
        deadLetters: results.deadLetters.length,
        waiting: countBy(reasons.values()),
        calls: await simulator.calls(),
        quota: await readQuota(hostUrl),
      });
      const reason = endReason({ open, elapsedMs, hostIsGone, isInterrupted: interrupted.aborted });
      if (reason !== undefined) {
        return { reason, results, open };
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: interrupted }).catch(() => {});
    }
  } finally {
    hostLines.off('line', hear);
    view.end();
  }
}

async function readQuota(hostUrl: string): Promise<QuotaAnswer | undefined> {
  try {
    const response = await fetch(`${hostUrl}/api/quota`, { signal: AbortSignal.timeout(5_000) });
    return quotaAnswerSchema.safeParse(await response.json()).data;
  } catch {
    return undefined;
  }
}

function endReason(state: {
  open: number;
  elapsedMs: number;
  hostIsGone: boolean;
  isInterrupted: boolean;
}): WatchEnd['reason'] | undefined {
  if (state.open === 0) {
    return 'final';
  }
  if (state.isInterrupted) {
    return 'interrupted';
  }
  if (state.hostIsGone) {
    return 'host ended';
  }
  return state.elapsedMs > PATIENCE_MS ? 'too late' : undefined;
}

function countBy(words: Iterable<string>): Map<string, number> {
  const groups = Map.groupBy(words, (word) => word);
  return new Map([...groups].map(([word, { length }]) => [word, length]));
}

function sum(counts: Iterable<number>): number {
  return [...counts].reduce((total, count) => total + count, 0);
}
