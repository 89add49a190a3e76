import { readFileSync } from 'node:fs';
import * as z from 'zod';

const meter = z.object({
  what: z.string(),
  /** Of `per` units, in the file's currency. */
  price: z.number().min(0),
  per: z.number().positive(),
  /** Units a month that cost nothing. */
  freePerMonth: z.number().min(0),
  /** When the price was published, about. */
  asOf: z.string(),
  /** Where to check it. */
  source: z.url(),
});

const pricesSchema = z.object({
  currency: z.string(),
  region: z.string(),
  meters: z.object({
    executions: meter,
    gigabyteSeconds: meter,
    queueOperations: meter,
    tableTransactions: meter,
    logGigabytes: meter,
  }),
  execution: z.object({
    instanceGigabytes: z.number().positive(),
    leastBilledMs: z.number().min(0),
    billedStepMs: z.number().positive(),
  }),
  log: z.object({ recordsPerExecution: z.number().min(0), bytesPerRecord: z.number().min(0) }),
});

/** What the cloud charges, and by which rules. */
export type Prices = z.infer<typeof pricesSchema>;

export type Meter = keyof Prices['meters'];

/** The prices of `prices.json`. @throws When the file is not as it must be. */
export function readPrices(): Prices {
  return pricesSchema.parse(JSON.parse(readFileSync(new URL('./prices.json', import.meta.url), 'utf8')));
}
