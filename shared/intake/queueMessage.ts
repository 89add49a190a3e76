import { createHash } from 'node:crypto';
import { isJsonObject } from './jsonObject.ts';
import { textOf } from './jsonText.ts';

/** A message that carries a submission. Two of them may carry the same one, after a crash. */
export interface MessageIdentity {
  /** Stays the same when the message is delivered again. */
  messageId: string;
  /** The key of the claim that the message which put this one back was holding. */
  claimKey?: string | undefined;
}

/** The trigger metadata that names a message (`context.triggerMetadata`), unchecked. */
export interface Delivery {
  /** The ID that the storage service gave to the message. */
  id?: unknown;
  /** When the message was put into the queue, to the second. */
  insertionTime?: unknown;
  expirationTime?: unknown;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * What identifies a message: the same over redeliveries, different between messages.
 *
 * The Functions host copies the top-level fields of a JSON payload over the trigger metadata, ignoring case, so a
 * metadata field counts only where the payload has none of that name. Without a trusted ID of the service one is made
 * of the body and the trusted times; identical bodies put into the queue within one second then share it.
 *
 * @param body The message as the trigger handed it over.
 * @param payload The JSON value in it that the host may have merged; undefined where it saw no JSON.
 */
export function messageIdOf(body: unknown, payload: unknown, delivery: Delivery): string {
  const overwritten = new Set(
    isJsonObject(payload) ? Object.keys(payload).map((name) => name.toLowerCase()) : [],
  );
  const trusted = (name: keyof Delivery) => {
    const value = delivery[name];
    return typeof value === 'string' && !overwritten.has(name.toLowerCase()) ? value : '';
  };
  const id = trusted('id');
  return UUID.test(id)
    ? id
    : digestUuid(JSON.stringify([textOf(body), trusted('insertionTime'), trusted('expirationTime')]));
}

/** A UUID of version 8 (RFC 9562: made by the application's own rule) from a text's SHA-256 digest. */
function digestUuid(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
