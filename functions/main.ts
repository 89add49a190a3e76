import { app } from '@azure/functions';
import { createApplication } from '../shared/application.ts';
import { readSettings } from '../shared/config/settings.ts';
import { createEnrichAlert } from './enrichAlert.ts';

const settings = readSettings(process.env);
const application = createApplication(settings, process.env.IDENTITY_ENDPOINT !== undefined);

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
  handler: createEnrichAlert(application),
});
