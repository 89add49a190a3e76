/**
 * Preloaded into Azurite: takes away two chores that go through all messages and make thousands of them slower than
 * any real queue, the search for expired ones at every request and the collection of garbage once a minute, for which
 * it answers nobody for seconds. No message of a benchmark expires, and none runs for long.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

interface Chores {
  default: { prototype: Record<string, () => Promise<void>> };
}

function takeAway(module: string, chore: string): void {
  const { prototype } = (require(module) as Chores).default;
  if (prototype[chore] === undefined) {
    throw new Error(`This version of Azurite has no ${chore} in ${module}.`);
  }
  prototype[chore] = async () => {};
}

takeAway('azurite/dist/src/queue/persistence/LokiQueueMetadataStore.js', 'clearExpiredMessages');
takeAway('azurite/dist/src/queue/gc/QueueGCManager.js', 'start');
