import type { CallGate } from './callGate.ts';

/** What asking an API for the sake of health came to, where it did not answer normally. */
export interface AskingProblem {
  /** `refused`: the API answered, and does not let the app ask. `silent`: whether it would is not known. */
  kind: 'refused' | 'silent';
  /** For a person. */
  detail: string;
}

/** What all processes know together about the answers of one API to the app. Times are those of the storage service. */
export interface Answers {
  /** When a call was last answered normally, as exactly as answers are noted. */
  answeredAt: Date | undefined;
  /** When the API was last asked for health, and what came of it. `problem` is undefined while that is not known. */
  asked: { at: Date; problem: AskingProblem | undefined } | undefined;
  /** The ETag that a conditional write presents. */
  etag: string | undefined;
}

/**
 * Keeps the answers of one API where all processes find them. All methods throw when the storage service cannot be
 * used.
 */
export interface AnswerStore {
  read(): Promise<Answers>;
  /** A call was answered normally. */
  noteAnswer(at: Date): Promise<void>;
  /** Takes the right to ask. @returns False when another process has written since `known` was read. */
  claim(known: Answers, at: Date): Promise<boolean>;
  /** What came of asking. */
  noteProblem(problem: AskingProblem): Promise<void>;
}

/** Shortest time between two notes of a process (ms), so that a busy one writes next to nothing. */
const NOTE_INTERVAL_MS = 10 * 60_000;

/**
 * Wraps a gate. It stores when a call was answered normally, in the background and at most every ten minutes, so that
 * health needs no call of its own while alerts are looked up.
 */
export function notingAnswers(gate: CallGate, answers: AnswerStore, now: () => Date): CallGate {
  let notedAt = Number.NEGATIVE_INFINITY;
  return {
    ...gate,
    async succeeded(permit) {
      await gate.succeeded(permit);
      const at = now();
      if (at.getTime() - notedAt < NOTE_INTERVAL_MS) {
        return;
      }
      notedAt = at.getTime();
      answers.noteAnswer(at).catch(() => {
        // A later answer is as good.
        notedAt = Number.NEGATIVE_INFINITY;
      });
    },
  };
}
