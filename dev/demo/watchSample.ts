import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { QueueClient } from '@azure/storage-queue';
import { printable } from '#shared/text.ts';
import type { HostLine } from './hostLines.ts';
import type { ProgressView } from './progressView.ts';
import { collectResults, type Results } from './results.ts';
import type { Sample } from './samples.ts';
import type { SimulatorClient } from './simulatorClient.ts';
import { type Progress, tally } from './tally.ts';
import { createWaitingRoom } from './waitingRoom.ts';

const LOOK_EVERY_MS = 500;
const MINUTE_MS = 60_000;

/** How the watching ended; `open` is how many alerts were not final then. */
export interface WatchEnd {
  reason: 'final' | 'interrupted' | 'too late' | 'host ended';
  results: Results;
  open: number;
}

export interface Watched {
  queues: { enrichments: QueueClient; poison: QueueClient };
  simulator: SimulatorClient;
  hostLines: EventEmitter<{ line: [HostLine] }>;
  hostEnded: Promise<void>;
}

/** Collects what comes out and shows how far the sample is, until all of it is final or nothing more can come. */
export async function watchSample(
  samples: readonly Sample[],
  { queues, simulator, hostLines, hostEnded }: Watched,
  view: ProgressView,
  interrupted: AbortSignal,
): Promise<WatchEnd> {
  const results: Results = { enrichments: new Map(), deadLetters: [] };
  const waiting = createWaitingRoom();
  const hear = (line: HostLine) => {
    if (line.kind === 'event') {
      waiting.hear(line.event);
    }
    if (line.kind === 'trouble') {
      view.note(styleText('yellow', printable(line.text)));
    }
  };
  let hostIsGone = false;
  void hostEnded.then(() => {
    hostIsGone = true;
  });

  hostLines.on('line', hear);
  const startedAt = Date.now();
  const patienceMs = patienceFor(samples.length);
  try {
    for (;;) {
      await collectResults(queues, results);
      const calls = await simulator.countedCalls();
      const progress = tally(samples, results, waiting.byReason(), calls, startedAt, Date.now());
      view.show(progress);
      const reason = endReason(progress, patienceMs, hostIsGone, interrupted);
      if (reason !== undefined) {
        return { reason, results, open: progress.open };
      }
      await delay(LOOK_EVERY_MS, undefined, { signal: interrupted }).catch(() => {});
    }
  } finally {
    hostLines.off('line', hear);
    view.end();
  }
}

function endReason(
  progress: Progress,
  patienceMs: number,
  hostIsGone: boolean,
  interrupted: AbortSignal,
): WatchEnd['reason'] | undefined {
  if (progress.open === 0) {
    return 'final';
  }
  if (interrupted.aborted) {
    return 'interrupted';
  }
  if (hostIsGone) {
    return 'host ended';
  }
  return progress.elapsedMs > patienceMs ? 'too late' : undefined;
}

/** Far more than a sound run takes: twice the time that 100 calls a minute and 1,500 an hour need, and some minutes. */
function patienceFor(messages: number): number {
  const minutes = Math.max(messages / 100, (messages / 1_500) * 60 - 60);
  return (3 + 2 * minutes) * MINUTE_MS;
}
