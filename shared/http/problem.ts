import type { ProblemDocument } from './contract.ts';
import type { TextResponse } from './response.ts';

/** Everything that can be wrong with a request, or with us: the last part of the problem's `type`, with its status. */
const PROBLEMS = {
  'malformed-alert-id': { status: 400, title: 'The alert ID is malformed' },
  'malformed-wait': { status: 400, title: 'The time to wait is malformed' },
  'malformed-body': { status: 400, title: 'The body cannot be read' },
  'not-signed-in': { status: 401, title: 'Nobody is signed in' },
  'tenant-not-allowed': { status: 403, title: 'The caller may not act for this tenant' },
  'unknown-tenant': { status: 404, title: 'The tenant is not served here' },
  'unknown-alert': { status: 404, title: 'The alert is not known' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'not-acceptable': { status: 406, title: 'There is no answer in a form that is accepted' },
  'too-large': { status: 413, title: 'The order is too large' },
  'unsupported-media-type': { status: 415, title: 'The form of the body is not supported' },
  'nothing-valid': { status: 422, title: 'No alert of the order can be taken' },
  'internal-error': { status: 500, title: 'Something unexpected happened' },
  'not-queued': { status: 503, title: 'No alert of the order could be queued' },
  'tenant-unclear': { status: 503, title: 'Whose alert it is cannot be told at the moment' },
  'storage-unavailable': { status: 503, title: 'The storage service cannot be used at the moment' },
} as const;

/** What went wrong with a request. */
export interface Problem {
  problem: keyof typeof PROBLEMS;
  /** For a person: what it got, and what to do. */
  detail: string;
  headers?: Record<string, string>;
  /** Further members of the document. */
  more?: Pick<ProblemDocument, 'rejected'>;
}

/** When a request is worth repeating after a failure of storage (s). */
const RETRY_AFTER_SECONDS = 30;

/**
 * The problem as an answer (RFC 9457).
 * @param invocationId Names the occurrence, as the host's logs do.
 */
export function problemResponse(
  { problem, detail, headers, more }: Problem,
  invocationId: string,
): TextResponse {
  const { status, title } = PROBLEMS[problem];
  const document: ProblemDocument = {
    type: `urn:defender-alert-enrichment:problem:${problem}`,
    title,
    status,
    detail,
    instance: `urn:uuid:${invocationId}`,
    ...more,
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status === 503 && { 'retry-after': String(RETRY_AFTER_SECONDS) }),
      ...headers,
    },
    body: JSON.stringify(document),
  };
}

/**
 * The problem of a caller whose `Accept` allows no answer that there is.
 * @param types The media types in which there is an answer.
 */
export function notAcceptable(types: readonly string[]): Problem {
  return { problem: 'not-acceptable', detail: `There is ${types.join(', ')}.` };
}
