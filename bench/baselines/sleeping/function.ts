/**
 * The well-mannered function: on a 429 it sleeps as long as `Retry-After` says, in the worker, and tries again a few
 * times before it gives the message back to the host.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { app, output } from '@azure/functions';
import { ManagedIdentityCredential } from '@azure/identity';

const TRIES = 5;
const credential = new ManagedIdentityCredential();
const enrichments = output.storageQueue({ queueName: '%ENRICHMENTS_QUEUE%', connection: 'AlertsStorage' });

app.storageQueue('sleeping', {
  queueName: '%ALERTS_QUEUE%',
  connection: 'AlertsStorage',
  extraOutputs: [enrichments],
  handler: async (alertId, context) => {
    const startedAt = Date.now();
    const { token } = await credential.getToken('https://api.securitycenter.microsoft.com/.default');
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const response = await fetch(`${process.env.DEFENDER_API_URL}/api/alerts/${alertId}/machine`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (response.ok) {
        context.extraOutputs.set(enrichments, { alertId, device: await response.json() });
        context.log(
          JSON.stringify({
            event: 'submission',
            alertId,
            result: 'enriched',
            durationMs: Date.now() - startedAt,
          }),
        );
        return;
      }
      if (response.status !== 429) {
        throw new Error(`Defender answered ${response.status}`);
      }
      await sleep(Number(response.headers.get('retry-after') ?? 1) * 1_000);
    }
    throw new Error(`Defender answered 429 ${TRIES} times`);
  },
});
