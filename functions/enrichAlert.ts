import { app } from '@azure/functions';
import { registration } from './registration.ts';
import { loadedLate } from './startup.ts';

app.storageQueue('enrichAlert', {
  queueName: registration.alertsQueue,
  connection: 'AlertsStorage',
  handler: loadedLate(async () => (await import('./handlers/enrichAlert.ts')).createEnrichAlert),
});
