import { createHash } from 'node:crypto';

/** Answers numbers from 0 (included) to 1 (excluded). */
export type Random = () => number;

/**
 * A stream of numbers that depends on the given words alone, so that any part of the simulated world can be drawn
 * without drawing the parts before it. The generator is sfc32, started from a digest: 128 bits of state keep
 * identifiers apart in fleets of any size.
 */
export function seededRandom(...words: (string | number)[]): Random {
  const digest = createHash('sha256').update(words.join('\u0000')).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}

/** A whole number between `least` and `most`, both included. */
export function integer(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One of the items, all equally likely. The list must not be empty. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[integer(random, 0, items.length - 1)] as Item;
}

/** As many decimal digits as asked for, leading zeros included. */
export function digits(random: Random, length: number): string {
  return Array.from({ length }, () => integer(random, 0, 9)).join('');
}

/** As many lowercase hexadecimal digits as asked for. */
export function hex(random: Random, length: number): string {
  return Array.from({ length }, () => integer(random, 0, 15).toString(16)).join('');
}

/** A GUID in its usual lowercase text form (version 4). */
export function guid(random: Random): string {
  const variant = pick(random, ['8', '9', 'a', 'b']);
  return `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-${variant}${hex(random, 3)}-${hex(random, 12)}`;
}
