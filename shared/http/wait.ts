import { type Checked, wrong } from './checked.ts';
import { LONGEST_WAIT_SECONDS, waitSchema } from './contract.ts';

/** How long the caller will wait, in seconds; undefined when the caller does not say. @param text The query parameter. */
export function readWait(text: string | null): Checked<number | undefined> {
  if (text === null) return { ok: true, value: undefined };
  const seconds = waitSchema.safeParse(/^\d{1,3}$/.test(text) ? Number(text) : undefined).data;
  if (seconds !== undefined) return { ok: true, value: seconds };
  const detail = `"wait" takes whole seconds from 0 to ${LONGEST_WAIT_SECONDS}, once.`;
  return wrong({ problem: 'malformed-wait', detail });
}

/** Says when the caller will wait no longer. @param seconds Undefined or 0 says so at once. */
export function endOfWait(seconds = 0): AbortSignal {
  return seconds === 0 ? AbortSignal.abort() : AbortSignal.timeout(seconds * 1_000);
}
