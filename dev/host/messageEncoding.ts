import type { QueueOptions } from './hostJson.ts';

type MessageEncoding = QueueOptions['messageEncoding'];

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a message as it lies in the queue, decoded; undefined when it is not in this encoding. */
export function decodeMessage(messageText: string, encoding: MessageEncoding): string | undefined {
  if (encoding === 'none') {
    return messageText;
  }
  if (!base64.test(messageText)) {
    return undefined;
  }
  const bytes = Buffer.from(messageText, 'base64');
  // Buffer ignores stray bits in the last character; .NET, which decodes in Azure, refuses them.
  if (bytes.toString('base64') !== messageText) {
    return undefined;
  }
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The text to put into a queue for this content. */
export function encodeMessage(content: string | Uint8Array, encoding: MessageEncoding): string {
  return Buffer.from(content).toString(encoding === 'base64' ? 'base64' : 'utf8');
}
