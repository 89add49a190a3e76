import type { CallGate } from './callGate.ts';

/** What asking an API for the sake of health came to, where it did not answer normally. */
export interface AskingProblem {
  /** `refused`: the API answered, and does not let the app ask. `silent`: whether it would is not known. */
  kind: 'refused' | 'silent';
  /** For a person. */
  detail: string;
}

/** What all instances know together about the answers of one API to the app. Times are those of the storage service. */
export interface Answers {
  /** When a call was last answered normally, as exactly as answers are noted. */
  answeredAt: Date | undefined;
  /** When the API was last asked for the sake of health, and what came of it; `problem` is undefined until that is known. */
  asked: { at: Date; problem: AskingProblem | undefined } | undefined;
  /** What a conditional write presents. */
  mark: string | undefined;
}

/** Keeps them where all instances find them. All methods throw when the storage service cannot be used. */
export interface AnswerStore {
  read(): Promise<Answers>;
  /** A call was answered normally. */
  noteAnswer(at: Date): Promise<void>;
  /** Takes the right to ask, if nobody has written since `known` was read. */
  claim(known: Answers, at: Date): Promise<boolean>;
  /** What came of asking. */
  noteProblem(problem: AskingProblem): Promise<void>;
}

/** A process notes answers no more often than this, so that a busy one writes next to nothing. */
const NOTE_INTERVAL_MS = 10 * 60_000;

/**
 * A gate that notes when calls are answered normally: what alerts prove by the way, nobody need ask for. No call waits for
 * the note.
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
