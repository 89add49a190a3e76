/**
 * The function that most people write first: call, write, and let errors be errors. A 429 is one of them, so the host
 * delivers the message again at once, and after five times moves it to the poison queue.
 */
import { app, output } from '@azure/functions';
import { ManagedIdentityCredential } from '@azure/identity';

const credential = new ManagedIdentityCredential();
const enrichments = output.storageQueue({ queueName: '%ENRICHMENTS_QUEUE%', connection: 'AlertsStorage' });

app.storageQueue('plain', {
  queueName: '%ALERTS_QUEUE%',
  connection: 'AlertsStorage',
  extraOutputs: [enrichments],
  handler: async (alertId, context) => {
    const startedAt = Date.now();
    const { token } = await credential.getToken('https://api.securitycenter.microsoft.com/.default');
    const response = await fetch(`${process.env.DEFENDER_API_URL}/api/alerts/${alertId}/machine`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!response.ok) {
      throw new Error(`Defender answered ${response.status}`);
    }
    context.extraOutputs.set(enrichments, { alertId, device: await response.json() });
    context.log(
      JSON.stringify({
        event: 'submission',
        alertId,
        result: 'enriched',
        durationMs: Date.now() - startedAt,
      }),
    );
  },
});
