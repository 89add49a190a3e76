import * as z from 'zod';
import { textOf } from './jsonText.ts';

const MAX_BYTES = 16 * 1024;
/** Consumers' JSON readers give up early (.NET at 64 levels), and our own fields are around the metadata. */
const MAX_LEVELS = 32;

/** The submitter's own data: a JSON object of at most 16 KiB (UTF-8) and 32 levels. */
export const metadataSchema = z
  .record(z.string(), z.unknown(), { error: 'expected a JSON object' })
  .refine((metadata) => !isDeeperThan(MAX_LEVELS, metadata), {
    error: `expected at most ${MAX_LEVELS} levels of nesting`,
    abort: true,
  })
  .refine((metadata) => Buffer.byteLength(textOf(metadata)) <= MAX_BYTES, {
    error: `expected at most ${MAX_BYTES} bytes of JSON text`,
  });

function isDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  return levels === 0 || Object.values(value).some((part) => isDeeperThan(levels - 1, part));
}
