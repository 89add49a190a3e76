import type * as z from 'zod';

/**
 * For the `when` of a check over several settings, which has something to say only where each of them is right.
 * Without it zod leaves the check out as soon as any other setting is wrong, and people would mend one at a time.
 */
export function whenRight(...names: string[]) {
  return ({ issues }: z.core.ParsePayload): boolean =>
    !issues.some(({ path }) => names.includes(String(path?.[0])));
}
