import { app } from '@azure/functions';
import { createTable, markHandled, wasHandled } from './handledSubmissions.js';
import { readMessage } from './readMessage.js';
import { readDevice } from './tables.js';
import { triage } from './triage.js';

app.hook.appStart(createTable);

/**
 * Handles a message of the enrichments queue. The host deletes the message when this returns; when it throws, the host
 * delivers the message again, five times in all, and then moves it to the queue `<queue>-poison`.
 */
app.storageQueue('enrichments', {
  queueName: '%ENRICHMENTS_QUEUE%',
  connection: 'EnrichmentsStorage',
  handler: async (content, context) => {
    const { enrichment, row } = readMessage(content);
    if (await wasHandled(enrichment)) {
      context.log(`${enrichment.alertId}: handled already, as submission ${enrichment.submissionId}`);
      return;
    }
    const device =
      row !== undefined && enrichment.outcome === 'enriched' ? await readDevice(row) : enrichment.device;
    context.log(triage({ ...enrichment, device }));
    await markHandled(enrichment);
  },
});
