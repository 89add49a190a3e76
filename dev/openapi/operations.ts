import * as z from 'zod';
import { waitSchema } from '#shared/http/contract.ts';
import {
  finalLookUp,
  finalOrder,
  healthExamples,
  inAllTypes,
  orderExamples,
  pendingLookUp,
  pendingOrder,
  quotaExample,
} from './answerExamples.ts';
import { type OpenApiDocument, type Operation, type Parameter, referenceTo } from './openApi.ts';
import type { ProblemExample } from './problemExamples.ts';
import { answerContent, jsonContent, problemResponses, response } from './responses.ts';

const { $schema: _, description: waitDescription, ...waitJsonSchema } = z.toJSONSchema(waitSchema);

const WAIT: Parameter = {
  name: 'wait',
  in: 'query',
  required: false,
  description: `${waitDescription} Without it the answer comes at once.`,
  'x-ms-visibility': 'important',
  schema: waitJsonSchema,
};

/** @param description What the parameter does there. */
const tenantParameter = (description: string): Parameter => ({
  name: 'tenantId',
  in: 'query',
  required: false,
  description,
  'x-ms-visibility': 'advanced',
  schema: { type: 'string', format: 'uuid' },
});

const ALERT_ID: Parameter = {
  name: 'alertId',
  in: 'path',
  required: true,
  description: 'ID of the alert.',
  'x-ms-visibility': 'important',
  schema: referenceTo('AlertId'),
};

const IF_NONE_MATCH: Parameter = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'Entity tags of the answers that the caller has already, or `*`.',
  'x-ms-visibility': 'internal',
  schema: { type: 'string' },
};

/** What can go wrong with every request but those for liveness. */
const ALWAYS_POSSIBLE = ['not-signed-in', 'method-not-allowed', 'internal-error'];

/** All paths with their operations. */
export function operations(problems: ReadonlyMap<string, ProblemExample>): OpenApiDocument['paths'] {
  const failures = (...names: string[]) => problemResponses(problems, [...names, ...ALWAYS_POSSIBLE]);

  const submitEnrichments: Operation = {
    operationId: 'submitEnrichments',
    tags: ['enrichments'],
    summary: 'Enrich alerts',
    description:
      'Takes an order of alerts and puts each valid one into the queue. With `wait` the answer is held until all are final or the time is up.',
    'x-ms-visibility': 'important',
    parameters: [
      WAIT,
      tenantParameter('Tenant of those alerts that name none themselves; the home tenant when left out.'),
    ],
    requestBody: {
      description:
        'The alerts. JSON may be declared with any `application/...+json` type, too. At most 4 MiB, in UTF-8, without content coding.',
      required: true,
      content: {
        'application/json': {
          schema: referenceTo('Order'),
          examples: {
            one: { summary: 'One alert', value: orderExamples.one },
            list: { summary: 'A list of alert IDs', value: orderExamples.list },
          },
        },
        'application/cloudevents+json': {
          schema: referenceTo('Event'),
          examples: { event: { summary: 'A CloudEvent', value: orderExamples.event } },
        },
        'text/plain': { schema: referenceTo('AlertId') },
      },
    },
    responses: {
      200: response(
        'All valid alerts became final while the caller waited.',
        ['location', 'vary'],
        answerContent('OrderAnswer', 'An order of one alert', inAllTypes(finalOrder)),
      ),
      202: response(
        'The valid alerts are queued, as far as none says `not_queued`, and not all are final.',
        ['location', 'retry-after', 'vary'],
        answerContent('OrderAnswer', 'A mixed order', inAllTypes(pendingOrder)),
      ),
      ...failures(
        'malformed-wait',
        'malformed-body',
        'not-acceptable',
        'too-large',
        'unsupported-media-type',
        'nothing-valid',
        'not-queued',
        'storage-unavailable',
      ),
    },
  };

  const getEnrichment: Operation = {
    operationId: 'getEnrichment',
    tags: ['enrichments'],
    summary: 'Get the enrichment of an alert',
    description:
      'Says how an alert stands, from what is stored: no call to Defender is made. With `wait` the answer is held until the alert is final or the time is up.',
    'x-ms-visibility': 'important',
    parameters: [
      ALERT_ID,
      WAIT,
      tenantParameter('Tenant of the alert; the home tenant when left out.'),
      IF_NONE_MATCH,
    ],
    responses: {
      200: response(
        'The last answer about the alert.',
        ['etag', 'vary'],
        answerContent('AlertEnrichment', 'An enriched alert', inAllTypes(finalLookUp)),
      ),
      202: response(
        'The alert is submitted and has no answer yet.',
        ['retry-after', 'vary'],
        answerContent('PendingAlert', 'An alert that waits', inAllTypes(pendingLookUp)),
      ),
      304: response('The caller has the answer already.', ['etag', 'vary']),
      ...failures(
        'malformed-alert-id',
        'malformed-wait',
        'tenant-not-allowed',
        'unknown-tenant',
        'unknown-alert',
        'not-acceptable',
        'tenant-unclear',
        'storage-unavailable',
      ),
    },
  };

  const getQuota: Operation = {
    operationId: 'getQuota',
    tags: ['state'],
    summary: 'Get the quota',
    description:
      'Says how many calls to Defender are used and left, what holds calls up, and how long the queue is.',
    'x-ms-visibility': 'advanced',
    parameters: [
      tenantParameter(
        'Tenant whose quota it is; the home tenant when left out, with a look at all customers.',
      ),
    ],
    responses: {
      200: response('How the quota stands.', [], jsonContent('Quota', { 'Calls are left': quotaExample })),
      ...failures(
        'tenant-not-allowed',
        'unknown-tenant',
        'not-acceptable',
        'tenant-unclear',
        'storage-unavailable',
      ),
    },
  };

  const getHealth: Operation = {
    operationId: 'getHealth',
    tags: ['state'],
    summary: 'Get the health',
    description:
      'Says whether alerts can move, for availability tests. They get JSON, whatever they accept. Looks no more often than every few seconds.',
    'x-ms-visibility': 'advanced',
    responses: {
      200: response('Alerts can move.', [], jsonContent('Health', { Healthy: healthExamples.healthy })),
      503: response(
        'Alerts cannot move.',
        [],
        jsonContent('Health', { 'Defender refuses the app': healthExamples.unhealthy }),
      ),
      ...failures('storage-unavailable'),
    },
  };

  const getLiveness: Operation = {
    operationId: 'getLiveness',
    tags: ['state'],
    summary: 'Get a sign of life',
    description: 'Says that the process answers, to anybody, and nothing else.',
    'x-ms-visibility': 'internal',
    security: [],
    responses: {
      200: response('The process answers.', []),
      ...problemResponses(problems, ['method-not-allowed', 'internal-error']),
    },
  };

  return {
    '/api/enrichments': { post: submitEnrichments },
    '/api/enrichments/{alertId}': { get: getEnrichment },
    '/api/quota': { get: getQuota },
    '/api/health': { get: getHealth },
    '/api/live': { get: getLiveness },
  };
}
