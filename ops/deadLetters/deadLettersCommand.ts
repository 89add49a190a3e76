import type { QueueClient } from '@azure/storage-queue';
import type { Outbox } from '#shared/pipeline/outbox.ts';
import { createProgressBar } from '../progressBar.ts';
import {
  deadLetterDetails,
  deadLetterJson,
  deadLetterLines,
  deadLettersJson,
  dryRunLines,
  replayLines,
} from './deadLettersView.ts';
import type { PoisonMessage } from './poisonMessage.ts';
import type { PoisonQueue } from './poisonQueue.ts';
import { replay } from './replay.ts';
import { isOfTenant, isSelected, type Selection } from './selection.ts';

/** What the commands about dead letters work with. */
export interface DeadLettersDeps {
  poison: PoisonQueue;
  alerts: QueueClient;
  outbox: Pick<Outbox, 'submit'>;
  now: () => Date;
  print: (...lines: string[]) => void;
}

/** Prints all dead letters, or those of one tenant. @throws When the storage service cannot be used. */
export async function listDeadLetters(
  { json, tenant }: { json?: boolean; tenant?: string },
  deps: DeadLettersDeps,
): Promise<void> {
  const all = await deps.poison.readAll();
  const isMeant = (message: PoisonMessage) => tenant === undefined || isOfTenant(message, tenant);
  const contents = { ...all, messages: all.messages.filter(isMeant) };
  if (json) {
    deps.print(JSON.stringify(deadLettersJson(contents, deps.now()), null, 2));
  } else {
    deps.print(...deadLetterLines(contents, deps.now()));
  }
}

/** Prints all that is known about one dead letter. @throws Error when there is none with this ID. */
export async function showDeadLetter(
  id: string,
  { json }: { json?: boolean },
  deps: DeadLettersDeps,
): Promise<void> {
  const { messages } = await deps.poison.readAll();
  const message = messages.find((candidate) => candidate.id === id);
  if (message === undefined) {
    throw new Error(
      `There is no dead letter "${id}". "npm run ops -- dead-letters" lists all with their IDs.`,
    );
  }
  if (json) {
    deps.print(JSON.stringify(deadLetterJson(message, deps.now()), null, 2));
  } else {
    deps.print(...deadLetterDetails(message, deps.now()));
  }
}

/**
 * Replays the selected dead letters, or prints what a replay would do.
 * @returns Whether a dry run was asked for, or all that was selected is replayed. A replay of none is done for `--all` only.
 */
export async function replayDeadLetters(
  selection: Selection,
  { dryRun }: { dryRun?: boolean },
  deps: DeadLettersDeps,
): Promise<boolean> {
  if (dryRun) {
    const { messages } = await deps.poison.readAll();
    const selected = messages.filter((message) => isSelected(message, selection));
    const passedBy = selection.kind === 'all' ? messages.length - selected.length : 0;
    deps.print(...dryRunLines(selected, passedBy, deps.now()));
    return true;
  }
  const bar = createProgressBar(process.stderr, await deps.poison.count());
  const report = await replay(selection, { ...deps, onProgress: bar.show }).finally(bar.clear);
  deps.print(...replayLines(report));
  const isSomethingLeft = report.left.length > 0 || report.hidden > 0;
  return !isSomethingLeft && (report.replayed > 0 || selection.kind === 'all');
}
