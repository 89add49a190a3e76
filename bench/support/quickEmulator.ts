/**
 * Preloaded into Azurite: takes away its search for expired messages, which goes through every message at every
 * request and makes thousands of queued messages slower than any real queue. No message of a benchmark expires.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const store = require('azurite/dist/src/queue/persistence/LokiQueueMetadataStore.js') as {
  default: { prototype: { clearExpiredMessages(): Promise<void> } };
};
store.default.prototype.clearExpiredMessages = async () => {};
