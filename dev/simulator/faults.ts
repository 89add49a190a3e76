import * as z from 'zod';
import { seededRandom } from './random.ts';

/** Everything that can go wrong with an answer. */
export const faultKinds = [
  // 429: the wait as seconds or a date in Retry-After, in the body's text only, or nowhere.
  'throttle-seconds',
  'throttle-date',
  'throttle-body',
  'throttle-bare',
  // Refused before any work is done.
  'unauthorized',
  'forbidden',
  // Failing for now.
  'http-408',
  'http-500',
  'http-502',
  'http-503',
  'http-504',
  // Said to be wrong.
  'bad-request',
  'not-found',
  // The connection.
  'reset',
  'reset-mid-body',
  'stall',
  'slow-body',
  // 200 with a body that is not what was asked for.
  'truncated',
  'html',
  'empty',
  'empty-object',
  'array',
  'error-object',
  // The right content in an unusual form.
  'wrong-content-type',
  'plain',
  'deflate',
  'deflate-raw',
  'gzip',
  'huge',
  // Small on the wire, very large once unpacked.
  'gzip-bomb',
  // Lists that are whole JSON and wrong all the same; any other answer is right.
  'list-repeats',
  'list-shuffled',
  'list-gaps',
  'list-strangers',
] as const;

export type FaultKind = (typeof faultKinds)[number];

const details = {
  /** For the 429s: the wait they ask for, in seconds. */
  waitSeconds: z.number().int().min(0).default(1),
  /** For `slow-body`: how long the body takes, in milliseconds. */
  durationMs: z.number().int().min(0).default(60_000),
};

const detailedFaultSchema = z.strictObject({ kind: z.enum(faultKinds), ...details });
const faultSchema = z.union([
  z.enum(faultKinds).transform((kind) => detailedFaultSchema.parse({ kind })),
  detailedFaultSchema,
]);

/** One fault with its details. */
export type Fault = z.output<typeof faultSchema>;

/** A fault as callers name it: the kind alone, or with details. */
export type FaultInput = z.input<typeof faultSchema>;

/** What the next answers about one alert are: faults or `ok`, in order; then normal, or the last one `forever`. */
export const faultScriptSchema = z.strictObject({
  alertId: z.string(),
  answers: z.array(z.union([z.literal('ok'), faultSchema])).min(1),
  forever: z.boolean().default(false),
});
export type FaultScript = z.input<typeof faultScriptSchema>;

const shareSchema = z.number().min(0).max(1);
const detailedRateSchema = z.strictObject({ rate: shareSchema, ...details });
const rateSchema = z.union([
  shareSchema.transform((rate) => detailedRateSchema.parse({ rate })),
  detailedRateSchema,
]);

type RateDetails = z.output<typeof rateSchema>;

/** The share of answers (0 to 1) that each fault spoils; together at most 1. */
export const faultRatesSchema = z
  .partialRecord(z.enum(faultKinds), rateSchema)
  .refine(
    (rates) => Object.values(rates).reduce((sum, { rate }) => sum + rate, 0) <= 1 + Number.EPSILON,
    'the rates of all faults together must not exceed 1',
  );
export type FaultRates = z.input<typeof faultRatesSchema>;

/** The APIs that answers come from: the Defender API, and Microsoft Graph's alerts and hunting. */
export const apiNames = ['defender', 'graph', 'hunting'] as const;
export type ApiName = (typeof apiNames)[number];

/** Decides which answers are spoiled. */
export interface FaultPlan {
  /** Replaces the rates of these APIs; of all where none is named. */
  setRates(rates: FaultRates, apis?: readonly ApiName[]): void;
  /** Replaces the script of one alert. */
  script(script: FaultScript): void;
  /** The fault for the next answer about this alert or, where no alert is asked for, this route. */
  next(subject: string, api: ApiName): Fault | undefined;
  reset(): void;
}

/**
 * Chance is drawn from the seed, the subject and how often it was asked about: the order in which concurrent
 * callers arrive does not matter.
 */
export function createFaultPlan(seed: string): FaultPlan {
  const rates = new Map<ApiName, [FaultKind, RateDetails][]>();
  const scripts = new Map<string, z.output<typeof faultScriptSchema>>();
  const askedFor = new Map<string, number>();

  function scripted(subject: string): Fault | 'ok' | undefined {
    const script = scripts.get(subject);
    const [answer] = script?.answers ?? [];
    if (script !== undefined && (script.answers.length > 1 || !script.forever)) {
      script.answers.shift();
    }
    return answer;
  }

  function drawn(subject: string, api: ApiName): Fault | undefined {
    const asked = askedFor.get(subject) ?? 0;
    askedFor.set(subject, asked + 1);
    let rest = seededRandom(seed, 'fault', subject, asked)();
    for (const [kind, { rate, ...faultDetails }] of rates.get(api) ?? []) {
      rest -= rate;
      if (rest < 0) {
        return { kind, ...faultDetails };
      }
    }
    return undefined;
  }

  return {
    setRates(newRates, apis = apiNames) {
      const entries = Object.entries(faultRatesSchema.parse(newRates)) as [FaultKind, RateDetails][];
      for (const api of apis) {
        rates.set(api, entries);
      }
    },
    script(script) {
      const parsed = faultScriptSchema.parse(script);
      scripts.set(parsed.alertId, parsed);
    },
    next(subject, api) {
      const answer = scripted(subject) ?? drawn(subject, api);
      return answer === 'ok' ? undefined : answer;
    },
    reset() {
      rates.clear();
      scripts.clear();
      askedFor.clear();
    },
  };
}

/** True for the faults by which a service refuses a call before counting it against the quota. */
export function isUncounted(fault: Fault): boolean {
  return fault.kind.startsWith('throttle-') || fault.kind === 'unauthorized' || fault.kind === 'forbidden';
}
