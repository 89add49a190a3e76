import { app } from '@azure/functions';

/** The least an app can be: what remains is the price of Node.js and the Functions library. */
app.storageQueue('enrichAlert', { queueName: 'alerts', connection: 'AlertsStorage', handler: () => {} });
