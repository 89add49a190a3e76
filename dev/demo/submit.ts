import type { QueueClient } from '@azure/storage-queue';
import type { Sample } from './samples.ts';

/** A sample in the queue. */
export interface SentSample extends Sample {
  /** The ID that the storage service gave to its message. */
  messageId: string;
}

/** Messages are put into the queue this many at a time. */
const SEND_AT_ONCE = 16;
/** No expiry. */
const KEEP = -1;

/** Puts the samples into the alerts queue as they are, in their order as far as the queue keeps one. */
export async function submitSamples(queue: QueueClient, samples: readonly Sample[]): Promise<SentSample[]> {
  const sent: SentSample[] = [];
  for (let start = 0; start < samples.length; start += SEND_AT_ONCE) {
    const batch = samples.slice(start, start + SEND_AT_ONCE).map(async (sample) => {
      const { messageId } = await queue.sendMessage(sample.text, { messageTimeToLive: KEEP });
      return { ...sample, messageId };
    });
    sent.push(...(await Promise.all(batch)));
  }
  return sent;
}
