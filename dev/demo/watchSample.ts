import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { QueueClient } from '@azure/storage-queue';
import * as z from 'zod';
import {
  type Enrichment,
  type EnrichmentPointer,
  enrichmentPointerSchema,
  enrichmentSchema,
} from '#shared/enrichment/enrichment.ts';
import { deadLetterSchema } from '#shared/pipeline/outbox.ts';
import { printable } from '#shared/text.ts';
import type { FaultRates } from '../simulator/faults.ts';
import type { HostEvent, HostLine } from './hostLines.ts';
import type { ProgressView } from './progressView.ts';
import type { Sample } from './samples.ts';

const alertIdsSchema = z.object({ alertIds: z.array(z.string()) });
const callsSchema = z.array(z.object({ time: z.number(), counted: z.boolean(), route: z.string() }));

/** A call that counts against a quota: when it was made (milliseconds since 1970), and what for. */
export type CountedCall = { time: number; route: string };

/** What the demo asks of the simulator's controls. All throw when the simulator does not answer as expected. */
export interface SimulatorClient {
  /** The IDs of all alerts that a tenant has; the home tenant where none is named. */
  knownAlertIds(tenantId?: string): Promise<string[]>;
  /** Whether the app gets tokens of the tenant. */
  setConsent(tenantId: string, isGiven: boolean): Promise<void>;
  setFaultRates(rates: FaultRates): Promise<void>;
  /** Raises so many alerts, as if within the last ten minutes. @returns Their IDs. */
  raiseAlerts(count: number): Promise<string[]>;
  /** Its calls, as far as they count against a quota. */
  countedCalls(): Promise<CountedCall[]>;
}

const MOST_RAISED_AT_ONCE = 5_000;
/** All at one moment would be more than lists can page through. */
const OUTBREAK_MS = 600_000;

export function createSimulatorClient(controlUrl: string): SimulatorClient {
  async function request(path: string, init: RequestInit = {}): Promise<unknown> {
    const response = await fetch(`${controlUrl}${path}`, { signal: AbortSignal.timeout(10_000), ...init });
    const body: unknown = await response.json();
    if (!response.ok) {
      throw new Error(`The simulator refused ${path}: ${JSON.stringify(body)}`);
    }
    return body;
  }

  return {
    async knownAlertIds(tenantId) {
      const prefix = tenantId === undefined ? '' : `/tenants/${tenantId}`;
      return alertIdsSchema.parse(await request(`${prefix}/alerts`)).alertIds;
    },
    async setConsent(tenantId, isGiven) {
      const body = JSON.stringify({ state: isGiven ? 'granted' : 'no-consent' });
      await request(`/tenants/${tenantId}/sign-in`, { method: 'POST', body });
    },
    async setFaultRates(rates) {
      await request('/faults', { method: 'POST', body: JSON.stringify({ rates }) });
    },
    async raiseAlerts(count) {
      const raised: string[] = [];
      const post = (body: object) => request('/alerts', { method: 'POST', body: JSON.stringify(body) });
      while (raised.length < count) {
        const part = { count: Math.min(MOST_RAISED_AT_ONCE, count - raised.length) };
        const { alertIds } = alertIdsSchema.parse(await post(part));
        const timeOf = (index: number) =>
          new Date(Date.now() - (index / alertIds.length) * OUTBREAK_MS).toISOString();
        await post({ alerts: alertIds.map((id, index) => ({ id, lastUpdateTime: timeOf(index) })) });
        raised.push(...alertIds);
      }
      return raised;
    },
    async countedCalls() {
      const calls = callsSchema.parse(await request('/calls'));
      return calls.flatMap(({ time, counted, route }) => (counted ? [{ time, route }] : []));
    },
  };
}

export type EnrichmentMessage = Enrichment | EnrichmentPointer;

/** A dead letter as far as it is shown. */
export interface Buried {
  reason: string;
  detail: string;
  original: string;
  /** True when the message held an alert: an enrichment tells of it too. */
  isSubmission: boolean;
}

/** What has come out of the app. */
export interface Results {
  /** By submission ID: a message that arrives twice counts once. */
  enrichments: Map<string, EnrichmentMessage>;
  deadLetters: Buried[];
}

const enrichmentMessageSchema = z.union([enrichmentSchema, enrichmentPointerSchema]);

/** Takes what is in the output queue and in the queue of dead letters, as a consumer would, and adds it. */
export async function collectResults(
  queues: { enrichments: QueueClient; poison: QueueClient },
  results: Results,
): Promise<void> {
  for await (const text of takeMessages(queues.enrichments)) {
    const enrichment = enrichmentMessageSchema.parse(JSON.parse(decode(text)));
    results.enrichments.set(enrichment.submissionId, enrichment);
  }
  for await (const text of takeMessages(queues.poison)) {
    results.deadLetters.push(readDeadLetter(text));
  }
}

async function* takeMessages(queue: QueueClient): AsyncGenerator<string> {
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
    if (receivedMessageItems.length === 0) {
      return;
    }
    for (const { messageId, popReceipt, messageText } of receivedMessageItems) {
      yield messageText;
      await queue.deleteMessage(messageId, popReceipt);
    }
  }
}

/** The host moves a message that the function keeps failing on here as it is. */
function readDeadLetter(text: string): Buried {
  const letter = letterSchema.safeParse(decode(text)).data;
  if (letter === undefined) {
    const detail = 'the function failed with this message until the host gave it up';
    return { reason: 'given-up', detail, original: text, isSubmission: true };
  }
  const { reason, detail, original, submission } = letter;
  return { reason, detail, original, isSubmission: submission !== undefined };
}

const letterSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('is no JSON');
      return z.NEVER;
    }
  })
  .pipe(deadLetterSchema);

function decode(messageText: string): string {
  return Buffer.from(messageText, 'base64').toString('utf8');
}

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

/** How far the sample is. */
export interface Progress {
  submitted: number;
  enriched: number;
  notFound: number;
  deadLetters: number;
  /** Submissions that were put back, by the reason. */
  waiting: ReadonlyMap<string, number>;
  /** Submissions and malformed parts of the sample that have not ended yet. */
  open: number;
  callsInMinute: number;
  callsInHour: number;
  /** Calls by what they were for. */
  callsByRoute: ReadonlyMap<string, number>;
  /** When the app expects its line to be drained; undefined where it does not say. */
  expectedAt?: Date | undefined;
  elapsedMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

export function tally(
  samples: readonly Sample[],
  results: Results,
  waiting: ReadonlyMap<string, number>,
  calls: readonly CountedCall[],
  startedAt: number,
  now: number,
): Progress {
  const outcomes = [...results.enrichments.values()].map(({ outcome }) => outcome);
  const since = (windowMs: number) => calls.filter(({ time }) => time > now - windowMs).length;
  return {
    submitted: samples.reduce((sum, { alertIds, rejections }) => sum + alertIds.length + rejections, 0),
    enriched: outcomes.filter((outcome) => outcome === 'enriched').length,
    notFound: outcomes.filter((outcome) => outcome === 'not_found').length,
    deadLetters: results.deadLetters.length,
    waiting,
    open: openParts(samples, results),
    callsInMinute: since(MINUTE_MS),
    callsInHour: since(HOUR_MS),
    callsByRoute: new Map(
      [...Map.groupBy(calls, ({ route }) => route)].map(([route, { length }]) => [route, length]),
    ),
    elapsedMs: now - startedAt,
  };
}

/** What somebody else submits meanwhile does not count, unless it is an alert of the sample. */
function openParts(samples: readonly Sample[], { enrichments, deadLetters }: Results): number {
  const open = new Map<string, number>();
  for (const alertId of samples.flatMap(({ alertIds }) => alertIds)) {
    open.set(alertId, (open.get(alertId) ?? 0) + 1);
  }
  for (const { alertId } of enrichments.values()) {
    open.set(alertId, Math.max(0, (open.get(alertId) ?? 0) - 1));
  }
  const openAlerts = [...open.values()].reduce((sum, count) => sum + count, 0);
  const expectedRejections = samples.reduce((sum, { rejections }) => sum + rejections, 0);
  const rejections = deadLetters.filter(({ isSubmission }) => !isSubmission).length;
  return openAlerts + Math.max(0, expectedRejections - rejections);
}

const LOOK_EVERY_MS = 500;

/** How the watching ended; `open` is how many alerts were not final then. */
export interface WatchEnd {
  reason: 'final' | 'interrupted' | 'too late' | 'host ended';
  results: Results;
  open: number;
}

export interface Watched {
  queues: { enrichments: QueueClient; poison: QueueClient };
  simulator: SimulatorClient;
  hostLines: EventEmitter<{ line: [HostLine] }>;
  hostEnded: Promise<void>;
  /** When the app expects its line to be drained, for a backlog; never rejects. */
  expectedAt: () => Promise<Date | undefined>;
}

/** Collects what comes out and shows how far the sample is, until all of it is final or nothing more can come. */
export async function watchSample(
  samples: readonly Sample[],
  { queues, simulator, hostLines, hostEnded, expectedAt }: Watched,
  view: ProgressView,
  interrupted: AbortSignal,
): Promise<WatchEnd> {
  const results: Results = { enrichments: new Map(), deadLetters: [] };
  const waiting = createWaitingRoom();
  const hear = (line: HostLine) => {
    if (line.kind === 'event') {
      waiting.hear(line.event);
    }
    if (line.kind === 'trouble') {
      view.note(styleText('yellow', printable(line.text)));
    }
  };
  let hostIsGone = false;
  void hostEnded.then(() => {
    hostIsGone = true;
  });

  hostLines.on('line', hear);
  const startedAt = Date.now();
  const patienceMs = patienceFor(samples.length);
  try {
    for (;;) {
      await collectResults(queues, results);
      const calls = await simulator.countedCalls();
      const progress = tally(samples, results, waiting.byReason(), calls, startedAt, Date.now());
      view.show({ ...progress, expectedAt: await expectedAt() });
      const reason = endReason(progress, patienceMs, hostIsGone, interrupted);
      if (reason !== undefined) {
        return { reason, results, open: progress.open };
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: interrupted }).catch(() => {});
    }
  } finally {
    hostLines.off('line', hear);
    view.end();
  }
}

function endReason(
  progress: Progress,
  patienceMs: number,
  hostIsGone: boolean,
  interrupted: AbortSignal,
): WatchEnd['reason'] | undefined {
  if (progress.open === 0) {
    return 'final';
  }
  if (interrupted.aborted) {
    return 'interrupted';
  }
  if (hostIsGone) {
    return 'host ended';
  }
  return progress.elapsedMs > patienceMs ? 'too late' : undefined;
}

/** Far more than a sound run takes: twice the time that 100 calls a minute and 1,500 an hour need, and some minutes. */
function patienceFor(messages: number): number {
  const minutes = Math.max(messages / 100, (messages / 1_500) * 60 - 60);
  return (3 + 2 * minutes) * MINUTE_MS;
}
