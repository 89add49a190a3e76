import * as z from 'zod';
import type { Answer } from '../answer.ts';
import type { ErrorContext } from '../apiError.ts';
import { seededRandom } from '../random.ts';
import type { GraphWorld } from './graphAlert.ts';
import { graphErrorBody } from './graphErrors.ts';
import { answerQuery } from './huntingTables.ts';
import { huntingBody, wireForms } from './huntingWire.ts';
import { type HuntingQuery, KqlError, parseQuery } from './kql.ts';

/** How hunting behaves, faults of single answers aside. */
const huntingBehaviourSchema = z.strictObject({
  wire: z.enum(wireForms),
  /** Tables that the tenant does not have, as without the licence for them. */
  absentTables: z.array(z.string()),
  /** Queries for more IDs than this fail for what they consume; null where none does. */
  mostIds: z.int().min(0).nullable(),
  /** Answers are cut here, without a word. */
  maximumRows: z.int().min(0),
});
type HuntingBehaviour = z.output<typeof huntingBehaviourSchema>;

/** Some of it; what is left out stays as it is. */
export const huntingChangeSchema = huntingBehaviourSchema.partial();
export type HuntingChange = z.output<typeof huntingChangeSchema>;

const BEHAVIOUR_AT_START: HuntingBehaviour = {
  wire: 'text',
  absentTables: [],
  mostIds: null,
  maximumRows: 100_000,
};

/** A CPU quota that is used up: for how long, and how a refusal tells the rest of it, if at all. */
export const cpuBlockSchema = z.strictObject({
  /** Until the next quarter of an hour where left out. */
  seconds: z.number().min(0).optional(),
  hint: z.enum(['none', 'retry-after', 'seconds', 'minutes']).default('none'),
});
export type CpuBlock = z.input<typeof cpuBlockSchema>;

/** What a call asks for, once its body was read. */
export type HuntingRequest = { kind: 'query'; query: HuntingQuery } | { kind: 'invalid'; message: string };

/** Microsoft Graph's `runHuntingQuery`. It runs no KQL: `kql.ts` says what it takes from a query. */
export interface Hunting {
  setBehaviour(change: HuntingChange): void;
  exhaust(now: number, block?: CpuBlock): void;
  /** 429 while the CPU quota is used up. */
  refusal(context: ErrorContext): Answer | undefined;
  answer(request: HuntingRequest, context: ErrorContext): Answer;
  /** As at the start. */
  reset(): void;
}

const QUARTER_MS = 15 * 60_000;
const TOO_MUCH =
  'Query execution has exceeded the allowed limits. Optimize your query by following best practices and try again.';

export function createHunting(world: GraphWorld): Hunting {
  let behaviour = BEHAVIOUR_AT_START;
  let block: { until: number; hint: z.output<typeof cpuBlockSchema>['hint'] } | undefined;

  return {
    setBehaviour(change) {
      const given = Object.entries(change).filter(([, value]) => value !== undefined);
      behaviour = { ...behaviour, ...Object.fromEntries(given) };
    },
    exhaust(now, input = {}) {
      const { seconds, hint } = cpuBlockSchema.parse(input);
      const nextQuarter = (Math.floor(now / QUARTER_MS) + 1) * QUARTER_MS;
      block = { until: seconds === undefined ? nextQuarter : now + seconds * 1000, hint };
    },
    refusal(context) {
      if (block === undefined || context.now >= block.until) {
        return undefined;
      }
      const seconds = Math.ceil((block.until - context.now) / 1000);
      const again = {
        none: '',
        'retry-after': '',
        seconds: ` You can run queries again in ${seconds} seconds.`,
        minutes: ` You can run queries again in ${Math.ceil(seconds / 60)} minutes.`,
      }[block.hint];
      const message = `This query exceeded processing resources allocated to this tenant.${again}`;
      return {
        status: 429,
        headers: block.hint === 'retry-after' ? { 'Retry-After': String(seconds) } : {},
        body: graphErrorBody({ code: 'TooManyRequests', message }, context),
      };
    },
    answer(request, context) {
      if (request.kind === 'invalid') {
        return badRequest(request.message, context);
      }
      const { query } = request;
      const absent = behaviour.absentTables.find((table) => query.names.has(table));
      if (absent !== undefined) {
        const message = `'where' operator: Failed to resolve table or column expression named '${absent}'. Fix semantic errors in your query.`;
        return badRequest(message, context);
      }
      if (behaviour.mostIds !== null && query.ids.length > behaviour.mostIds) {
        return badRequest(TOO_MUCH, context);
      }
      try {
        const { columns, rows } = answerQuery(query, world, context.now);
        const table = { columns, rows: rows.slice(0, behaviour.maximumRows) };
        const random = seededRandom(world.seed, 'hunting wire', context.target);
        return { status: 200, body: huntingBody(table, behaviour.wire, random) };
      } catch (error) {
        if (error instanceof KqlError) {
          return badRequest(error.message, context);
        }
        throw error;
      }
    },
    reset() {
      behaviour = BEHAVIOUR_AT_START;
      block = undefined;
    },
  };
}

/** Reads `{"Query": "...", "Timespan": "P30D"}`, its names in any case. */
export function readHuntingRequest(body: string): HuntingRequest {
  const payload = requestSchema.safeParse(body);
  if (!payload.success) {
    return { kind: 'invalid', message: `Invalid payload: ${payload.error.issues[0]?.message}` };
  }
  try {
    return { kind: 'query', query: parseQuery(payload.data.query) };
  } catch (error) {
    if (error instanceof KqlError) {
      return { kind: 'invalid', message: error.message };
    }
    throw error;
  }
}

const requestSchema = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue('it is not JSON.');
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.unknown()))
  .transform((payload) =>
    Object.fromEntries(Object.entries(payload).map(([name, value]) => [name.toLowerCase(), value])),
  )
  .pipe(z.object({ query: z.string(), timespan: z.iso.duration().nullish() }));

function badRequest(message: string, context: ErrorContext): Answer {
  return { status: 400, body: graphErrorBody({ code: 'BadRequest', message }, context) };
}
