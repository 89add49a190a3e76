import type { StorageQueueHandler } from '@azure/functions';
import type { Application } from '../../shared/application.ts';
import { FUNCTION_DEADLINE_MS } from '../../shared/config/timingSettings.ts';
import {
  type MessageEvent,
  type ReceiverDeps,
  receiveMessage,
  type TenantPipeline,
} from '../../shared/pipeline/receiveMessage.ts';
import { atMostEvery } from '../../shared/promises.ts';
import type { QuotaEvent } from '../../shared/quota/quotaReport.ts';
import type { SourceEvent } from '../../shared/sources/auto/autoSource.ts';
import { errorText } from '../../shared/storage/storageError.ts';
import { eventLog } from '../../shared/telemetry/log.ts';

/** Handles a message of the input queue. */
export function createEnrichAlert(
  application: Pick<Application, 'provisionStorage' | 'takeSourceEvents'> & {
    receiver: ReceiverDeps<TenantPipeline & Pick<Application, 'reportQuota'>>;
  },
): StorageQueueHandler {
  const isReportDue = atMostEvery(60_000, Date.now);

  return async (body, context) => {
    const log = eventLog<MessageEvent | QuotaEvent | SourceEvent>(context);
    // Where that fails, so does what needs it, and the alert waits for it: the message has only five deliveries.
    await application.provisionStorage().catch(() => undefined);
    const { tenant, reportQuota } = await receiveMessage(
      { body, delivery: context.triggerMetadata ?? {} },
      application.receiver,
      log,
      AbortSignal.timeout(FUNCTION_DEADLINE_MS),
    );
    application.takeSourceEvents().forEach(log);
    const whose = tenant === undefined ? {} : { tenantId: tenant.id };
    if (!isReportDue(tenant?.id)) {
      return;
    }
    try {
      log({ event: 'quota', ...whose, ...(await reportQuota()) });
    } catch (error) {
      // The message is done: were this to fail the run, it would come again.
      log({ event: 'quota_failed', ...whose, detail: errorText(error) });
    }
  };
}
