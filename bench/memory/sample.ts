import * as z from 'zod';

const sampleSchema = z.object({
  /** Alerts done by then. */
  alerts: z.number(),
  /** Resident size of the process, in bytes. */
  resident: z.number(),
  /** JavaScript's heap in use, in bytes. */
  heap: z.number(),
});

/** The memory of a process after so many alerts, once all garbage is gone. */
export type Sample = z.infer<typeof sampleSchema>;

/** @throws Error when Node.js runs without `--expose-gc`. */
export function sampleMemory(alerts: number): Sample {
  const { gc } = globalThis;
  if (gc === undefined) {
    throw new Error('Garbage cannot be collected on demand: start Node.js with --expose-gc.');
  }
  gc();
  const { rss, heapUsed } = process.memoryUsage();
  return { alerts, resident: rss, heap: heapUsed };
}

/** The sample in a line of a program's output; most lines have none. */
export function sampleIn(line: string): Sample | undefined {
  return line.startsWith('{"alerts":') ? sampleSchema.parse(JSON.parse(line)) : undefined;
}
