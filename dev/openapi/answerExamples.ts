import { readFileSync } from 'node:fs';
import { quotaAnswer } from '#functions/handlers/getQuota.ts';
import type { StoredAnswer } from '#shared/enrichment/answer.ts';
import { enrichmentOf } from '#shared/enrichment/answer.ts';
import { type Enrichment, enrichmentSchema } from '#shared/enrichment/enrichment.ts';
import type { HealthReport } from '#shared/health/health.ts';
import { enrichmentResponse, pendingResponse } from '#shared/http/alertResponse.ts';
import type { QuotaAnswer } from '#shared/http/contract.ts';
import { type OrderedAlert, orderResponse } from '#shared/http/orderResponse.ts';
import type { TextResponse } from '#shared/http/response.ts';
import { RESPONSE_TYPES, type ResponseType } from '#shared/http/response.ts';
import { readOrder } from '#shared/intake/order.ts';
import { storedEnrichmentOf } from '#shared/lookup/alertLookup.ts';
import { SCHEMA_FOLDER } from '../schema/schemaFiles.ts';

const ORDER_ID = '3e1f6c0a-52d5-4a55-9d0b-6f2f5a9f7a11';
const RECEIVED = new Date('2026-11-23T11:59:59.000Z');
const EXPECTATION = { expectedAt: new Date('2026-11-23T12:00:07.200Z'), retryAfterSeconds: 8 };

/** What callers send. */
export const orderExamples = {
  one: readExample('input-object'),
  list: readExample('input-list'),
  mixed: ['da637472900382838869_1364969609', { alertId: 'da637308392288907382_-880718168' }, 'da 1'],
  event: {
    specversion: '1.0',
    id: '9aeb0fdf-c01e-0131-0922-9eb54906e209',
    source: '/contoso/soc/alerts',
    type: 'com.contoso.soc.alert.raised',
    data: { alertId: 'da637472900382838869_1364969609' },
  },
};

/** The enrichment that the schemas' own example shows, as it is stored. */
const stored = storedAnswerOf(enrichmentSchema.parse(readExample('enrichment')));

/** An order of one alert that became final while the caller waited. */
export function finalOrder(type: ResponseType): TextResponse {
  const [part] = readSubmissions(orderExamples.one);
  if (part === undefined) {
    throw new Error('The example of an order holds no alert.');
  }
  const enrichment = enrichmentOf(part.submission, stored, { summary: true });
  return orderResponse(type, [{ ...part, tenantId: undefined, status: 'final', enrichment }], [], undefined);
}

/** An order of which one alert waits to be looked up, one could not be queued, and one part is no alert. */
export function pendingOrder(type: ResponseType): TextResponse {
  const alerts = readSubmissions(orderExamples.mixed).map(
    (part, index): OrderedAlert => ({
      ...part,
      tenantId: undefined,
      status: index === 0 ? 'pending' : 'not_queued',
    }),
  );
  const rejected = readOrder(orderExamples.mixed, ORDER_ID, RECEIVED)?.rejected ?? [];
  return orderResponse(type, alerts, rejected, EXPECTATION);
}

export function finalLookUp(type: ResponseType): TextResponse {
  return enrichmentResponse(type, storedEnrichmentOf('da637472900382838869_1364969609', stored), null);
}

export function pendingLookUp(type: ResponseType): TextResponse {
  return pendingResponse(type, 'da637472900382838869_1364969609', EXPECTATION);
}

/** The same answer in all media types. */
export function inAllTypes(answerIn: (type: ResponseType) => TextResponse): [ResponseType, TextResponse][] {
  return RESPONSE_TYPES.map((type) => [type, answerIn(type)]);
}

export const quotaExample: QuotaAnswer = quotaAnswer({
  windows: [
    { limit: { calls: 100, windowMs: 60_000 }, permitted: 50, used: 31, remaining: 19 },
    { limit: { calls: 1_500, windowMs: 3_600_000 }, permitted: 750, used: 212, remaining: 538 },
  ],
  rate: 1,
  pausedUntil: null,
  circuit: null,
  queued: 3,
  drainedBy: new Date('2026-11-23T12:00:03.600Z'),
});

export const healthExamples: Record<'healthy' | 'unhealthy', HealthReport> = {
  healthy: {
    status: 'healthy',
    ready: true,
    checks: [
      { name: 'queue "alerts"', status: 'ok', detail: 'about 3 messages' },
      { name: 'table "AlertEnrichments"', status: 'ok', detail: 'readable' },
      { name: 'circuit', status: 'ok', detail: 'closed' },
      { name: 'role Machine.Read.All', status: 'ok', detail: 'Machine.Read.All' },
      { name: 'Defender', status: 'ok', detail: 'answered the app at 2026-11-23T11:56:11.000Z' },
    ],
  },
  unhealthy: {
    status: 'unhealthy',
    ready: false,
    checks: [
      { name: 'queue "alerts"', status: 'ok', detail: 'about 41 messages' },
      { name: 'table "AlertEnrichments"', status: 'ok', detail: 'readable' },
      {
        name: 'circuit',
        status: 'failed',
        detail:
          'open since 2026-11-23T11:58:00.000Z, next probe 2026-11-23T12:03:00.000Z: Defender answered 403.',
      },
    ],
  },
};

function readExample(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`examples/${name}.json`, SCHEMA_FOLDER), 'utf8'));
}

function readSubmissions(value: unknown) {
  return readOrder(value, ORDER_ID, RECEIVED)?.submissions ?? [];
}

function storedAnswerOf({ device: published, source, ...enrichment }: Enrichment): StoredAnswer {
  const { raw: machine, ...device } = published ?? {};
  return {
    outcome: enrichment.outcome,
    submissionId: `${ORDER_ID}.0`,
    sourceName: source.name,
    retrievedAt: source.retrievedAt === null ? null : new Date(source.retrievedAt),
    storedAt: new Date(enrichment.enrichedAt),
    attempts: enrichment.attempts,
    device: device as StoredAnswer['device'],
    machine,
  };
}
