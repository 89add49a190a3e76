import { TableClient } from '@azure/data-tables';
import { type DequeuedMessageItem, type QueueClient, RestError } from '@azure/storage-queue';
import { inject } from 'vitest';
import * as z from 'zod';
import type { HostProcess, HostProcessOptions } from '#dev/stack/hostProcess.ts';
import type { Stack } from '#dev/stack/stack.ts';
import {
  type Enrichment,
  type EnrichmentPointer,
  enrichmentPointerSchema,
  enrichmentSchema,
} from '#shared/enrichment/enrichment.ts';
import { type DeadLetter, deadLetterSchema } from '#shared/pipeline/outbox.ts';
import { fromParts } from '#shared/storage/textParts.ts';
import { LONGEST_WAIT_MS, waitUntil } from './waitUntil.ts';

/** A message of the enrichments queue, as a consumer finds it. A pointer lacks device and metadata. */
export interface Delivered {
  enrichment: Enrichment & Partial<Pick<EnrichmentPointer, 'table' | 'partitionKey' | 'rowKey'>>;
  /** The message's text, as the queue holds it. */
  text: string;
  expiresOn: Date;
  /** The alert's row as it was when the message was seen. */
  rowThen: Row | undefined;
}

/** The row of an alert: its columns, and the two that hold JSON. */
export interface Row {
  columns: Record<string, unknown>;
  device: unknown;
  machine: unknown;
}

/** The app at work between queues and a table of its own, seen from outside. */
export interface Pipeline {
  /** The settings of its hosts. */
  readonly settings: Record<string, string>;
  /** All hosts that were started, the last one last. */
  readonly hosts: readonly HostProcess[];
  readonly enrichmentsQueue: QueueClient;
  readonly enrichmentsTable: TableClient;
  /** Starts one more host on the same queues and tables. */
  startHost(
    options?: Partial<Pick<HostProcessOptions, 'settings' | 'node' | 'nodeOptions'>>,
  ): Promise<HostProcess>;
  /** Puts messages into the input queue: a text as it is, anything else as JSON. */
  submit(...messages: unknown[]): Promise<void>;
  /** Everything that has come out so far. */
  delivered(): Promise<readonly Delivered[]>;
  /** Waits for as many enrichments of the alert. */
  enrichmentsOf(alertId: string, count?: number, timeoutMs?: number): Promise<Delivered[]>;
  /** Waits for the first enrichment of the alert. */
  enrichmentOf(alertId: string, timeoutMs?: number): Promise<Delivered>;
  deadLetters(): Promise<readonly DeadLetter[]>;
  /** Waits for the dead letter whose original text this is. */
  deadLetterOf(original: string): Promise<DeadLetter>;
  /** Bodies that the host itself moved to the poison queue. */
  poisoned(): Promise<readonly string[]>;
  row(alertId: string): Promise<Row | undefined>;
  rows(): Promise<Record<string, unknown>[]>;
  /** Waits until the input queue holds nothing, neither visible nor hidden. */
  idle(timeoutMs?: number): Promise<void>;
  /** How many messages the input queue holds, visible or hidden. */
  waiting(): Promise<number>;
  /** What the hosts logged about the alert: one event a delivery. */
  eventsOf(alertId: string): Record<string, unknown>[];
  /** All that it has said, stored and sent, as one text. */
  everything(): Promise<string>;
}

/** Short times, so that what takes minutes in production takes a second or two. */
export const shortTimes: Record<string, string> = {
  NOT_FOUND_RETRIES: '1s,1s',
  RETRY_BASE_DELAY: '100ms',
  IN_PROCESS_WAIT: '1s',
  CLAIM_EXPIRY: '10s',
  DEFENDER_RATE_LIMITS: '10000/1s',
  // Tests count the calls of single alerts, but for those about many at once.
  BULK_LOOKUPS: 'off',
  GRAPH_RATE_LIMITS: '10000/1s',
  HUNTING_RATE_LIMITS: '10000/1s',
};

let pipelines = 0;

/**
 * Starts a host whose queues and tables nobody else in the stack uses, so that a stack can carry several.
 * @param appRoot The app that its hosts run; the one that is deployed when left out.
 * @param first How its first host is started.
 */
export async function startPipeline(
  stack: Stack,
  settings: Record<string, string> = {},
  appRoot = inject('appRoot'),
  first: Pick<HostProcessOptions, 'node'> = {},
): Promise<Pipeline> {
  pipelines += 1;
  const names = {
    ALERTS_QUEUE: `alerts-${pipelines}`,
    ENRICHMENTS_QUEUE: `enrichments-${pipelines}`,
    ENRICHMENTS_TABLE: `AlertEnrichments${pipelines}`,
    STATE_TABLE: `EnrichmentState${pipelines}`,
  };
  const allSettings = { ...stack.settings, ...shortTimes, ...names, ...settings };
  const alertsQueue = stack.queues.getQueueClient(names.ALERTS_QUEUE);
  const poisonQueue = stack.queues.getQueueClient(`${names.ALERTS_QUEUE}-poison`);
  const enrichmentsQueue = stack.queues.getQueueClient(names.ENRICHMENTS_QUEUE);
  const openTable = (name: string) =>
    TableClient.fromConnectionString(stack.azurite.connectionString, name, { allowInsecureConnection: true });
  const enrichmentsTable = openTable(names.ENRICHMENTS_TABLE);
  const stateTable = openTable(names.STATE_TABLE);
  const hosts: HostProcess[] = [];
  const enrichments: Delivered[] = [];
  const poison: string[] = [];

  async function row(alertId: string): Promise<Row | undefined> {
    try {
      const columns = await enrichmentsTable.getEntity<Record<string, unknown>>(alertId, 'device');
      const json = (name: string) => JSON.parse(fromParts(name, columns) ?? 'null');
      return { columns, device: json('device'), machine: json('machine') };
    } catch (error) {
      if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) {
        return undefined;
      }
      throw error;
    }
  }

  async function collectEnrichments(): Promise<void> {
    for (const message of await takeAll(enrichmentsQueue)) {
      const enrichment = readEnrichment(message.messageText);
      const rowThen = await row(enrichment.alertId);
      enrichments.push({ enrichment, text: message.messageText, expiresOn: message.expiresOn, rowThen });
    }
  }

  /** The poison queue holds dead letters and whatever bodies the host moved there. */
  async function collectPoison(): Promise<void> {
    for (const message of await takeAll(poisonQueue)) {
      poison.push(message.messageText);
    }
  }

  const pipeline: Pipeline = {
    settings: allSettings,
    hosts,
    enrichmentsQueue,
    enrichmentsTable,
    async startHost(options) {
      const host = await stack.startHost({
        ...options,
        settings: { ...allSettings, ...options?.settings },
        appRoot,
      });
      hosts.push(host);
      return host;
    },
    async submit(...messages) {
      await alertsQueue.createIfNotExists();
      const texts = messages.map((message) =>
        typeof message === 'string' ? message : JSON.stringify(message),
      );
      for (let start = 0; start < texts.length; start += 32) {
        await Promise.all(texts.slice(start, start + 32).map((text) => alertsQueue.sendMessage(text)));
      }
    },
    async delivered() {
      await collectEnrichments();
      return enrichments;
    },
    enrichmentsOf(alertId, count = 1, timeoutMs = LONGEST_WAIT_MS) {
      return waitUntil(
        `${count} enrichments of ${alertId}`,
        async () => {
          const found = (await pipeline.delivered()).filter((one) => one.enrichment.alertId === alertId);
          return found.length >= count && found;
        },
        { timeoutMs },
      );
    },
    async enrichmentOf(alertId, timeoutMs) {
      const [first] = await pipeline.enrichmentsOf(alertId, 1, timeoutMs);
      return first as Delivered;
    },
    async deadLetters() {
      await collectPoison();
      return poison.flatMap((text) => readDeadLetter(text) ?? []);
    },
    deadLetterOf(original) {
      return waitUntil(`the dead letter of ${original.slice(0, 60)}`, async () =>
        (await pipeline.deadLetters()).find((letter) => letter.original === original),
      );
    },
    async poisoned() {
      await collectPoison();
      return poison.filter((text) => readDeadLetter(text) === undefined);
    },
    row,
    async rows() {
      return readAll(enrichmentsTable);
    },
    idle(timeoutMs = LONGEST_WAIT_MS) {
      return waitUntil(`queue ${alertsQueue.name} is empty`, async () => (await pipeline.waiting()) === 0, {
        timeoutMs,
      }).then(() => undefined);
    },
    async waiting() {
      return (await alertsQueue.getProperties()).approximateMessagesCount ?? 0;
    },
    eventsOf: (alertId) =>
      hosts
        .flatMap((host) => host.output)
        .flatMap(readEvents)
        .filter((event) => event.alertId === alertId),
    async everything() {
      const entities = [...(await readAll(enrichmentsTable)), ...(await readAll(stateTable))];
      const stored = entities.map((entity) => JSON.stringify(entity));
      const sent = [...(await pipeline.delivered()).map((one) => one.text), ...poison];
      const decoded = sent.map((text) => Buffer.from(text, 'base64').toString('utf8'));
      return [...hosts.flatMap((host) => host.output), ...stored, ...sent, ...decoded].join('\n');
    },
  };
  await pipeline.startHost(first);
  return pipeline;
}

/** Receives all that is visible and hides it for good, which leaves it in the queue for another look. */
async function takeAll(queue: QueueClient): Promise<DequeuedMessageItem[]> {
  const taken: DequeuedMessageItem[] = [];
  try {
    for (;;) {
      const request = { numberOfMessages: 32, visibilityTimeout: 7 * 24 * 3600 };
      const { receivedMessageItems } = await queue.receiveMessages(request);
      if (receivedMessageItems.length === 0) {
        return taken;
      }
      taken.push(...receivedMessageItems);
    }
  } catch (error) {
    if (error instanceof RestError && error.code === 'QueueNotFound') {
      return taken;
    }
    throw error;
  }
}

async function readAll(table: TableClient): Promise<Record<string, unknown>[]> {
  const entities: Record<string, unknown>[] = [];
  for await (const entity of table.listEntities()) {
    entities.push(entity);
  }
  return entities;
}

const messageSchema = z.union([enrichmentSchema, enrichmentPointerSchema]);

/** @throws Error when the message is not what its schema promises to consumers. */
function readEnrichment(text: string): Delivered['enrichment'] {
  const parsed = messageSchema.safeParse(JSON.parse(Buffer.from(text, 'base64').toString('utf8')));
  if (parsed.success) {
    return parsed.data;
  }
  throw new Error(`A message is no enrichment: ${z.prettifyError(parsed.error)}`);
}

function readDeadLetter(text: string): DeadLetter | undefined {
  try {
    return deadLetterSchema.safeParse(JSON.parse(Buffer.from(text, 'base64').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

/** The event in a line of a host's output, which puts a time and the function's name before it; most lines have none. */
function readEvents(line: string): Record<string, unknown>[] {
  const [json] = /\{"event":.*\}$/.exec(line) ?? [];
  return json === undefined ? [] : [JSON.parse(json)];
}
