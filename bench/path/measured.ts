import * as z from 'zod';
import { createMeter, type MeterPlan, processGauges } from './meter.ts';

/** The line by which a measured program tells its result. */
const costSchema = z.object({ alerts: z.number(), elapsedMs: z.number(), cpuMs: z.number() });

/** For a program that is measured: prints the result and ends it once enough alerts are done. */
export function meterThisProcess(plan: MeterPlan): () => void {
  return createMeter(plan, processGauges, (cost) => {
    console.log(JSON.stringify(cost));
    process.exit();
  });
}

/** The result in a line of such a program's output; most lines have none. */
export function costIn(line: string) {
  return line.startsWith('{"alerts":') ? costSchema.parse(JSON.parse(line)) : undefined;
}
