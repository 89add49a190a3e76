import type { StorageQueueHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import { FUNCTION_DEADLINE_MS } from '../../shared/config/timingSettings.ts';
import { type MessageEvent, receiveMessage } from '../../shared/pipeline/receiveMessage.ts';
import { atMostEvery } from '../../shared/promises.ts';
import type { QuotaEvent } from '../../shared/quota/quotaReport.ts';
import type { SourceEvent } from '../../shared/sources/auto/autoSource.ts';
import { errorText } from '../../shared/storage/storageError.ts';
import { eventLog } from '../../shared/telemetry/log.ts';

/** Handles a message of the input queue. */
export function createEnrichAlert(
  application: Pick<Application, 'pipeline' | 'provisionStorage' | 'reportQuota' | 'takeSourceEvents'>,
): StorageQueueHandler {
  const isReportDue = atMostEvery(60_000, Date.now);

  return async (body, context) => {
    const log = eventLog<MessageEvent | QuotaEvent | SourceEvent>(context);
    // Where that fails, so does what needs it, and the alert waits for it: the message has only five deliveries.
    await application.provisionStorage().catch(() => undefined);
    await receiveMessage(
      { body, delivery: context.triggerMetadata ?? {} },
      application.pipeline,
      log,
      AbortSignal.timeout(FUNCTION_DEADLINE_MS),
    );
    application.takeSourceEvents().forEach(log);
    if (!isReportDue()) {
      return;
    }
    try {
      log({ event: 'quota', ...(await application.reportQuota()) });
    } catch (error) {
      // The message is done: were this to fail the run, it would come again.
      log({ event: 'quota_failed', detail: errorText(error) });
    }
  };
}
