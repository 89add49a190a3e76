import type { DequeuedMessageItem } from '@azure/storage-queue';
import type { TypedData } from './rpcTypes.ts';

/**
 * What a queue-triggered function receives as `context.triggerMetadata`.
 * The host keeps it in one case-insensitive dictionary and merges the top-level properties of a JSON object
 * into it, so that a payload's `id` replaces the message's own.
 */
export function triggerMetadataOf(message: DequeuedMessageItem, text: string): Record<string, TypedData> {
  const metadata: Record<string, TypedData> = {
    DequeueCount: { int: message.dequeueCount },
    Id: { string: message.messageId },
    PopReceipt: { string: message.popReceipt },
    ExpirationTime: dateOf(message.expiresOn),
    InsertionTime: dateOf(message.insertedOn),
    NextVisibleTime: dateOf(message.nextVisibleOn),
    QueueTrigger: { string: text },
  };
  const nameByLowerCase = new Map(Object.keys(metadata).map((name) => [name.toLowerCase(), name]));
  for (const [property, value] of Object.entries(topLevelOf(text))) {
    if (value === null || Array.isArray(value)) {
      continue;
    }
    const name = nameByLowerCase.get(property.toLowerCase()) ?? property;
    nameByLowerCase.set(property.toLowerCase(), name);
    Object.defineProperty(metadata, name, {
      value: mergedValue(value),
      enumerable: true,
      configurable: true,
    });
  }
  return metadata;
}

function topLevelOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

function mergedValue(value: unknown): TypedData {
  if (typeof value === 'object') {
    return { json: JSON.stringify(value) };
  }
  // .NET writes its booleans with a capital letter.
  if (typeof value === 'boolean') {
    return { string: value ? 'True' : 'False' };
  }
  return { string: String(value) };
}

/** The host's form of a time, `2026-11-30T10:48:18+00:00`. */
function dateOf(date: Date): TypedData {
  return { json: JSON.stringify(date.toISOString().replace(/\.\d+Z$/, '+00:00')) };
}
