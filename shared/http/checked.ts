import type { Problem } from './problem.ts';

/** A part of a request that can be used, or what is wrong with it. */
export type Checked<Value> = { ok: true; value: Value } | { ok: false; problem: Problem };

export function wrong(problem: Problem): { ok: false; problem: Problem } {
  return { ok: false, problem };
}
