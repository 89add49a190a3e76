/**
 * Preloaded into Azurite. It takes away three things that make it far slower than the service and that nobody on this
 * machine needs: at every request it looks for expired messages and then indexes all messages anew, once a minute it
 * collects garbage and answers nobody for seconds, and most of its start goes into a library that sends telemetry,
 * which is off. So a message that expires stays: no test, benchmark or demo lasts that long.
 */
import Module, { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
/** Libraries that Azurite uses are found from its own place. */
const requireOfAzurite = createRequire(require.resolve('azurite/package.json'));

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

/** With `--disableTelemetry` nothing of this library is ever called. */
function leaveOut(library: string): void {
  const path = requireOfAzurite.resolve(library);
  require.cache[path] = Object.assign(new Module(path), { filename: path, loaded: true, exports: {} });
}

leaveOut('applicationinsights');
takeAway('azurite/dist/src/queue/persistence/LokiQueueMetadataStore.js', 'clearExpiredMessages');
takeAway('azurite/dist/src/queue/gc/QueueGCManager.js', 'start');
