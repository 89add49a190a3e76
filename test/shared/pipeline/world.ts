import type { StoredAnswer } from '#shared/enrichment/answer.ts';
import type { Enrichment } from '#shared/enrichment/enrichment.ts';
import type { MessageIdentity } from '#shared/intake/queueMessage.ts';
import type { Submission } from '#shared/intake/submission.ts';
import type { AlertRecord, AlertRecords, AlertState } from '#shared/pipeline/alertRecords.ts';
import { enrichSubmission, type PipelineDeps, type Progress } from '#shared/pipeline/enrichSubmission.ts';
import type { DeadLetter, HeldMessage, Outbox } from '#shared/pipeline/outbox.ts';
import type { AlertReference, Source, SourceAnswer } from '#shared/sources/source.ts';
import { createHomeRouter } from '#shared/tenants/tenantRouter.ts';
import { seenAt } from './submissions.ts';

/** Everything that the pipeline does to the world around it. */
export type Step =
  | 'read'
  | 'announce'
  | 'create'
  | 'claim'
  | 'store'
  | 'mark'
  | 'find'
  | 'submit'
  | 'hold'
  | 'put back'
  | 'remove'
  | 'publish'
  | 'bury';

/** What our own storage throws when it cannot be used. */
export class StorageFault extends Error {}

/** A process that dies at a step: before the step has had its effect, or right after. */
export class Crash extends Error {
  readonly step: Step;
  readonly moment: 'before' | 'after';

  constructor(step: Step, moment: 'before' | 'after') {
    super(`crashed ${moment} ${step}`);
    this.step = step;
    this.moment = moment;
  }
}

export interface WorldOptions {
  homeTenant?: string;
  /** What the source answers; `found` when not given. */
  find?: (alert: AlertReference) => SourceAnswer | Promise<SourceAnswer>;
  /** Called around each step; what it throws, the pipeline sees. It may take its time. */
  around?: (step: Step, moment: 'before' | 'after') => void | Promise<void>;
  reuseForMs?: number;
  maxAgeMs?: number;
  random?: () => number;
  message?: Partial<PipelineDeps['message']>;
}

interface Message {
  submission: Submission;
  identity: MessageIdentity;
  visibleAt: number;
}

/** Table, queues, source and clock in memory, with the conditional writes of the real ones. */
export function createWorld(options: WorldOptions = {}) {
  const { around = () => undefined } = options;
  const rows = new Map<string, { state: AlertState; etag: string }>();
  const queue: Message[] = [];
  const published: Enrichment[] = [];
  const buried: DeadLetter[] = [];
  const calls: AlertReference[] = [];
  let time = seenAt.getTime();
  let writes = 0;
  let messages = 0;
  let keys = 0;

  async function step<T>(name: Step, effect: () => T | Promise<T>): Promise<T> {
    await around(name, 'before');
    const result = await effect();
    await around(name, 'after');
    return result;
  }

  function write(alertId: string, etag: string | undefined, state: AlertState): AlertRecord | undefined {
    if (rows.get(alertId)?.etag !== etag) {
      return undefined;
    }
    writes += 1;
    rows.set(alertId, { state, etag: String(writes) });
    return { alertId, state, etag: String(writes) };
  }

  const records: AlertRecords = {
    read: (alertId) =>
      step('read', () => {
        const row = rows.get(alertId);
        return row && { alertId, ...row };
      }),
    announce: (alertId) =>
      step('announce', () => {
        write(alertId, undefined, { claim: undefined, answer: undefined, published: [] });
      }),
    create: (alertId, claim) =>
      step('create', () => write(alertId, undefined, { claim, answer: undefined, published: [] })),
    claim: ({ alertId, etag, state }, claim) =>
      step('claim', () => write(alertId, etag, { ...state, claim })),
    store: ({ alertId, etag, state }, answer: StoredAnswer) =>
      step('store', () => write(alertId, etag, { ...state, answer })),
    addPublished: ({ alertId, etag, state }, submissionId) =>
      step('mark', () => {
        const published = [...state.published, submissionId];
        const claim = state.claim?.submissionId === submissionId ? undefined : state.claim;
        return write(alertId, etag, { ...state, published, claim });
      }),
  };

  const source: Source = {
    name: 'defender',
    find: (alert) =>
      step('find', () => {
        calls.push(alert);
        return (
          options.find?.(alert) ?? {
            kind: 'found',
            source: 'defender',
            machine: { id: 'machine-1' },
            retrievedAt: now(),
            unavailable: [],
          }
        );
      }),
  };

  const outbox: Outbox = {
    submit: (submission, delayMs, claimKey) =>
      step('submit', () => {
        queue.push({
          submission,
          identity: { messageId: newMessageId(), claimKey },
          visibleAt: time + delayMs,
        });
      }),
    hold: (submission, forMs) =>
      step('hold', (): HeldMessage => {
        const message: Message = {
          submission,
          identity: { messageId: newMessageId() },
          visibleAt: time + forMs,
        };
        queue.push(message);
        // Nothing happens once another reader has the message.
        const isHeld = () => queue.includes(message) && message.visibleAt > time;
        return {
          messageId: message.identity.messageId,
          putBack: (later, delayMs, claimKey) =>
            step('put back', () => {
              if (isHeld()) {
                message.submission = later;
                message.identity = { ...message.identity, claimKey };
                message.visibleAt = time + delayMs;
              }
            }),
          remove: () =>
            step('remove', () => {
              if (isHeld()) {
                queue.splice(queue.indexOf(message), 1);
              }
            }),
        };
      }),
    publish: (enrichment) =>
      step('publish', () => {
        const outcome = rows.get(enrichment.alertId)?.state.answer?.outcome;
        if (outcome === undefined) {
          throw new Error('published before anything was stored');
        }
        published.push(enrichment);
      }),
    bury: (letter) =>
      step('bury', () => {
        buried.push(letter);
      }),
  };

  function newMessageId(): string {
    messages += 1;
    return `message-${messages}`;
  }

  const now = () => new Date(time);
  const deps: PipelineDeps = {
    records,
    source,
    outbox,
    rules: {
      reuseForMs: options.reuseForMs ?? 900_000,
      notFoundRetriesMs: [30_000, 120_000],
      retryBaseDelayMs: 5_000,
      maxAgeMs: options.maxAgeMs ?? 86_400_000,
      claimExpiryMs: 150_000,
    },
    message: { summary: false, formats: [], ...options.message },
    now,
    random: options.random ?? (() => 0.5),
    storageFault: (error) => (error instanceof StorageFault ? error.message : undefined),
    newClaimKey() {
      keys += 1;
      return `key-${keys}`;
    },
  };
  const never = new AbortController().signal;
  const home = { tenant: undefined, pipeline: deps };
  const { route } = createHomeRouter(home, async () => options.homeTenant);

  function passTime(milliseconds: number): void {
    time += milliseconds;
  }

  /** The first message of a submission has the ID of the submission, as in intake. */
  function deliver(
    submission: Submission,
    identity: MessageIdentity = { messageId: submission.submissionId },
  ): Promise<Progress> {
    return enrichSubmission(submission, identity, deps, never);
  }

  /** Delivers a message from the queue; if the process dies, it is seen again after the lease. */
  async function receive(message: Message, leaseMs: number): Promise<void> {
    try {
      await deliver(message.submission, message.identity);
    } catch (error) {
      if (!(error instanceof Crash)) {
        throw error;
      }
      queue.push({ ...message, visibleAt: time + leaseMs });
    }
  }

  /** Messages that are visible, taken from the queue; lets time pass until there is one. */
  function takeVisible(): Message[] {
    const soonest = Math.min(...queue.map(({ visibleAt }) => visibleAt));
    time = Math.max(time, soonest);
    return takeVisibleNow();
  }

  function takeVisibleNow(): Message[] {
    const visible = queue.filter(({ visibleAt }) => visibleAt <= time);
    for (const message of visible) {
      queue.splice(queue.indexOf(message), 1);
    }
    return visible;
  }

  /** Delivers one message after the other until none is left; one that crashes comes back ten minutes later. */
  async function drain(): Promise<void> {
    for (let deliveries = 0; queue.length > 0; deliveries += 1) {
      if (deliveries > 2_000) {
        throw new Error('the queue never ends');
      }
      const [first, ...others] = takeVisible();
      queue.push(...others);
      if (first !== undefined) {
        await receive(first, 600_000);
      }
    }
  }

  /** Delivers all visible messages at once, again and again, until none is left. */
  async function drainAtOnce(leaseMs = 600_000): Promise<void> {
    for (let waves = 0; queue.length > 0; waves += 1) {
      if (waves > 2_000) {
        throw new Error('the queue never ends');
      }
      await Promise.all(takeVisible().map((message) => receive(message, leaseMs)));
    }
  }

  return {
    deps,
    receiver: { home, route },
    rows,
    published,
    buried,
    calls,
    now,
    passTime,
    deliver,
    drain,
    drainAtOnce,
    /** Delivers at once what is visible now, and lets no time pass. */
    deliverVisible: (leaseMs: number) =>
      Promise.all(takeVisibleNow().map((message) => receive(message, leaseMs))),
    enqueue: (submission: Submission) =>
      queue.push({ submission, identity: { messageId: submission.submissionId }, visibleAt: time }),
    waiting: () => queue.map(({ submission }) => submission),
  };
}
