import * as z from 'zod';
import { openQueue } from './connections.ts';
import type { QueueOptions } from './hostJson.ts';
import { encodeMessage } from './messageEncoding.ts';
import { putMessage, type QueueArrivals } from './queueArrivals.ts';
import type { Binding, InvocationResponse, TypedData } from './rpcTypes.ts';
import type { Settings } from './settings.ts';

/** Writes one value that a function left in an output binding. */
type OutputWriter = (data: TypedData) => Promise<void>;

export interface OutputServices {
  settings: Settings;
  queues: QueueOptions;
  arrivals: QueueArrivals;
}

const RETURN_NAME = '$return';
const queueOutputSchema = z.object({
  queueName: z.string().toLowerCase(),
  connection: z.string().default(''),
});

/**
 * Prepares the output bindings of one function. The returned function writes what an invocation left for them,
 * all at the same time, and rejects when one cannot be written.
 * @throws Error for a binding that the local host lacks.
 */
export function prepareOutputs(
  bindings: Record<string, Binding>,
  services: OutputServices,
): (response: InvocationResponse) => Promise<void> {
  const writers = new Map<string, OutputWriter>();
  for (const [name, binding] of Object.entries(bindings)) {
    if (binding.direction === 'out' && binding.type !== 'http') {
      writers.set(name, writerOf(binding, services));
    }
  }
  const ownReturn = RETURN_NAME in bindings;
  return async (response) => {
    const values = new Map(response.outputData.map(({ name, data }) => [name, data]));
    for (const [name, data] of returnedOutputs(response.returnValue, ownReturn)) {
      values.set(name, data);
    }
    await Promise.all([...values].map(([name, data]) => writers.get(name)?.(data)));
  };
}

/** Without a `$return` binding the host copies a returned object's properties to the outputs of the same name. */
function returnedOutputs(
  returnValue: TypedData | null | undefined,
  ownReturn: boolean,
): [string, TypedData][] {
  if (!returnValue) {
    return [];
  }
  if (ownReturn) {
    return [[RETURN_NAME, returnValue]];
  }
  const value: unknown = returnValue.json === undefined ? null : JSON.parse(returnValue.json);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [];
  }
  return Object.entries(value).map(([name, item]) => [
    name,
    typeof item === 'string' ? { string: item } : { json: JSON.stringify(item) },
  ]);
}

function writerOf(binding: Binding, services: OutputServices): OutputWriter {
  if (binding.type !== 'queue') {
    throw new Error(`The output binding "${binding.type}" is not supported by the local host (queue).`);
  }
  return queueWriter(binding, services);
}

function queueWriter(binding: Binding, { settings, queues, arrivals }: OutputServices): OutputWriter {
  const { queueName, connection } = queueOutputSchema.parse(binding);
  const queue = openQueue(connection, queueName, settings);
  return async (data) => {
    for (const content of messagesOf(data)) {
      await putMessage(queue, encodeMessage(content, queues.messageEncoding), arrivals);
    }
  };
}

/** One message per element of an array, also of a text that is a JSON array; objects as indented JSON. */
function messagesOf(data: TypedData): (string | Uint8Array)[] {
  if (data.bytes) {
    return [data.bytes];
  }
  const text = plainText(data);
  const looksLikeArray = /^\s*\[/.test(text) && /\]\s*$/.test(text);
  if (data.json === undefined && !looksLikeArray) {
    return [text];
  }
  try {
    const value: unknown = JSON.parse(text);
    return (Array.isArray(value) ? value : [value]).map((item) =>
      typeof item === 'string' ? item : JSON.stringify(item, null, 2),
    );
  } catch {
    return [text];
  }
}

function plainText(data: TypedData): string {
  return data.json ?? data.string ?? String(data.int ?? data.double);
}
