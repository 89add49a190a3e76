import { pick, type Random } from '#dev/simulator/random.ts';

/**
 * A stream of submissions: each alert once, in order, and in between repeats of those before, at random.
 * @param total How many submissions in all, at least one for each alert.
 */
export function withRepeats(alertIds: readonly string[], total: number, random: Random): string[] {
  const repeated = total - alertIds.length;
  const stream: string[] = [];
  let used = 0;
  while (stream.length < total) {
    const repeatsLeft = repeated - (stream.length - used);
    const isRepeat = used > 0 && random() * (total - stream.length) < repeatsLeft;
    stream.push(isRepeat ? pick(random, stream) : (alertIds[used] as string));
    if (!isRepeat) {
      used += 1;
    }
  }
  return stream;
}
