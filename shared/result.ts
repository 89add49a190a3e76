/**
 * What a check of input came to: a value, or what is wrong with it.
 * @example
 * const wait = readWait(text);
 * if (!wait.ok) return wait.error;
 */
export type Result<Value, Failure> = { ok: true; value: Value } | { ok: false; error: Failure };

/** The result of a check that passed, with the value that it read. */
export function success<Value>(value: Value): Result<Value, never> {
  return { ok: true, value };
}

/** The result of a check that failed, with what is wrong. */
export function failure<Failure>(error: Failure): Result<never, Failure> {
  return { ok: false, error };
}
