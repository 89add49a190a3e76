import { app, type InvocationContext } from '@azure/functions';
import { createApplication } from '../shared/application.ts';
import { FUNCTION_DEADLINE_MS } from '../shared/config/deadline.ts';
import { readSettings } from '../shared/config/settings.ts';
import { receiveMessage } from '../shared/pipeline/receiveMessage.ts';
import { atMostEvery } from '../shared/telemetry/atMostEvery.ts';
import type { Log } from '../shared/telemetry/log.ts';

const settings = readSettings(process.env);
const application = createApplication(settings, process.env.IDENTITY_ENDPOINT !== undefined);

const isReportDue = atMostEvery(60_000, Date.now);

async function enrichAlert(body: unknown, context: InvocationContext): Promise<void> {
  const log: Log = (event) => context.log(JSON.stringify(event));
  await application.provisionStorage();
  await receiveMessage(
    { body, delivery: context.triggerMetadata ?? {} },
    application.pipeline,
    log,
    AbortSignal.timeout(FUNCTION_DEADLINE_MS),
  );
  if (isReportDue()) log({ event: 'quota', ...(await application.reportQuota()) });
}

app.hook.appStart(async () => {
  try {
    const missing = await application.provisionStorage();
    if (missing.length > 0) {
      console.warn(`The identity may not create ${missing.join(', ')}: each must exist already.`);
    }
  } catch (error) {
    // The storage service may come up later: every message tries again.
    console.error(
      `Queues and tables could not be created: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
});

app.storageQueue('enrichAlert', {
  queueName: settings.queues.alerts,
  connection: 'AlertsStorage',
  handler: enrichAlert,
});
