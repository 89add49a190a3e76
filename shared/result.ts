/**
 * What a check of input came to: a value, or what is wrong with it.
 * @example
 * const wait = readWait(text);
 * if (!wait.ok) return wait.error;
 */
export type Result<Value, Failure> = { ok: true; value: Value } | { ok: false; error: Failure };

/** It worked. */
export function success<Value>(value: Value): Result<Value, never> {
  return { ok: true, value };
}

/** It did not, for this reason. */
export function failure<Failure>(error: Failure): Result<never, Failure> {
  return { ok: false, error };
}
