import type { QueueClient } from '@azure/storage-queue';
import { readMessage } from '#shared/intake/readMessage.ts';
import type { AlertRecords, AlertState } from '#shared/pipeline/alertRecords.ts';
import type { PoisonContents, PoisonQueue } from '../deadLetters/poisonQueue.ts';

/** Everything that can be said about one alert without a call. */
export interface AlertStatus {
  alertId: string;
  /** What its row says; undefined without a row. */
  state: AlertState | undefined;
  queue: {
    /** Messages of the alert among the first visible ones. */
    found: number;
    /** Visible messages that were looked at. */
    lookedAt: number;
    /** Messages in the queue, about: the hidden ones included. */
    count: number;
  };
  deadLetters: PoisonContents['messages'];
}

/** The service shows no more messages at once, and never hidden ones. */
const MOST_PEEKED = 32;

/** Reads what row, queue and dead letters say about an alert. @throws When the storage service cannot be used. */
export async function readAlertStatus(
  alertId: string,
  { records, alerts, poison, now }: AlertStatusDeps,
): Promise<AlertStatus> {
  const [record, peeked, properties, letters] = await Promise.all([
    records.read(alertId),
    alerts.peekMessages({ numberOfMessages: MOST_PEEKED }),
    alerts.getProperties(),
    poison.readAll(),
  ]);
  const waiting = peeked.peekedMessageItems;
  const isAbout = ({ messageText }: { messageText: string }) =>
    readMessage(messageText, {}, now()).submissions.some((submission) => submission.alertId === alertId);
  return {
    alertId,
    state: record?.state,
    queue: {
      found: waiting.filter(isAbout).length,
      lookedAt: waiting.length,
      count: properties.approximateMessagesCount ?? 0,
    },
    deadLetters: letters.messages.filter((message) => message.alertIds.includes(alertId)),
  };
}

/** What the status of an alert is read from. */
export interface AlertStatusDeps {
  records: Pick<AlertRecords, 'read'>;
  alerts: QueueClient;
  poison: Pick<PoisonQueue, 'readAll'>;
  now: () => Date;
}
