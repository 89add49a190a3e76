import type { TextResponse } from '#shared/http/response.ts';
import { type Header, type MediaType, type ResponseObject, referenceTo } from './openApi.ts';
import type { ProblemExample } from './problemExamples.ts';

const text = { type: 'string' };

/** The headers of answers. What is required comes with every answer in whose description it stands. */
export const HEADERS = {
  location: { description: 'Path of the one alert of the order; absent for several.', schema: text },
  'retry-after': {
    description: 'When it is worth asking again, in seconds.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  },
  etag: { description: 'Names this body in this media type.', required: true, schema: text },
  vary: {
    description: 'The answer depends on what is accepted.',
    required: true,
    schema: { type: 'string', const: 'Accept' },
  },
  'cache-control': { description: 'Nobody but the caller may keep it.', required: true, schema: text },
  'x-content-type-options': {
    description: 'The media type is to be taken as it is.',
    required: true,
    schema: { type: 'string', const: 'nosniff' },
  },
  allow: { description: 'The methods that the path has.', required: true, schema: text },
  'www-authenticate': { description: 'How to sign in.', schema: text },
  'accept-post': { description: 'The media types of bodies that are taken.', schema: text },
  'accept-encoding': { description: 'The content codings of bodies that are taken.', schema: text },
} as const satisfies Record<string, Header>;

/** What every answer carries. */
const ALWAYS = ['cache-control', 'x-content-type-options'] as const;

export function response(
  description: string,
  headers: readonly (keyof typeof HEADERS)[],
  content?: Record<string, MediaType>,
): ResponseObject {
  const names = [...headers, ...ALWAYS];
  return {
    description,
    headers: Object.fromEntries(names.map((name) => [name, HEADERS[name]])),
    ...(content !== undefined && { content }),
  };
}

/** JSON, with examples of it by what they show. */
export function jsonContent(schema: string, examples: Record<string, unknown>): Record<string, MediaType> {
  return {
    'application/json': {
      schema: referenceTo(schema),
      examples: Object.fromEntries(
        Object.entries(examples).map(([summary, value]) => [nameOf(summary), { summary, value }]),
      ),
    },
  };
}

/** An answer about alerts in all its media types: JSON as the schema says, and summary cards. */
export function answerContent(
  schema: string,
  summary: string,
  answers: readonly [type: string, TextResponse][],
): Record<string, MediaType> {
  return Object.fromEntries(
    answers.map(([type, { body = '' }]) => [
      type,
      type === 'application/json'
        ? jsonContent(schema, { [summary]: JSON.parse(body) })[type]
        : { schema: text, examples: { [nameOf(summary)]: { summary, value: body } } },
    ]),
  ) as Record<string, MediaType>;
}

/** What each problem means, in the order of their statuses. */
const MEANINGS: Record<string, string> = {
  400: 'The request cannot be read.',
  401: 'The caller is not let in. With function keys the Functions host says so itself, without these headers and body.',
  404: 'Nobody has submitted the alert, or its message waits in the queue.',
  405: 'The path has no such method.',
  406: 'No form is accepted in which there is an answer.',
  413: 'The body is larger than 4 MiB, or the order carries too many alerts.',
  415: 'The body has a media type, charset or content coding that is not taken.',
  422: 'No part of the order is a valid alert.',
  500: 'A fault in the app. Its log holds more, under the ID in `instance`.',
  503: 'The storage service cannot be used at the moment.',
};

const PROBLEM_HEADERS: Record<string, readonly (keyof typeof HEADERS)[]> = {
  401: ['www-authenticate'],
  405: ['allow'],
  415: ['accept-post', 'accept-encoding'],
  503: ['retry-after'],
};

/** @param names The problems that an operation can meet, by the last parts of their types. */
export function problemResponses(
  examples: ReadonlyMap<string, ProblemExample>,
  names: readonly string[],
): Record<string, ResponseObject> {
  const responses: Record<string, ResponseObject> = {};
  for (const name of names) {
    const problem = examples.get(name)?.problem;
    if (problem === undefined) {
      throw new Error(`There is no example of the problem "${name}".`);
    }
    const status = String(problem.status);
    responses[status] ??= response(MEANINGS[status] ?? problem.title, PROBLEM_HEADERS[status] ?? [], {
      'application/problem+json': { schema: referenceTo('Problem'), examples: {} },
    });
    if (status === '401') {
      responses[status].headers = optional(responses[status].headers);
    }
    const { examples: shown = {} } = responses[status].content?.['application/problem+json'] ?? {};
    shown[name] = { summary: problem.title, value: problem };
  }
  return responses;
}

/** The host's own answers come without them. */
function optional(headers: Record<string, Header> = {}): Record<string, Header> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, { required: _, ...header }]) => [name, header]),
  );
}

/** `An alert that waits` becomes `an-alert-that-waits`. */
function nameOf(summary: string): string {
  return summary.toLowerCase().replaceAll(/\W+/g, '-');
}
