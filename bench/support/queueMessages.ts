import type { QueueClient } from '@azure/storage-queue';

/** Puts messages into a queue, many at a time. */
export async function putAll(queue: QueueClient, texts: readonly string[]): Promise<void> {
  for (let start = 0; start < texts.length; start += 50) {
    await Promise.all(texts.slice(start, start + 50).map((text) => queue.sendMessage(text)));
  }
}

/** Takes what is visible in a queue at this moment out of it. */
export async function takeAll(queue: QueueClient): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
    for (const { messageText, messageId, popReceipt } of receivedMessageItems) {
      await queue.deleteMessage(messageId, popReceipt);
      texts.push(messageText);
    }
    if (receivedMessageItems.length === 0) {
      return texts;
    }
  }
}
