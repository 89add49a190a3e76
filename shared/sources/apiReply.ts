import * as z from 'zod';
import { parseJson } from '../text/parseJson.ts';

/** What arrived over HTTP, read whole. */
export interface HttpResponse {
  status: number;
  retryAfter: string | undefined;
  body: string;
}

/** What a response of an API means that does not bring what was asked for. */
export type Failure =
  | { kind: 'not_found'; detail: string }
  | { kind: 'throttled'; retryAfterMs: number | undefined; detail: string }
  /** 401: the token was not accepted. */
  | { kind: 'unauthorized'; detail: string }
  /** 403: the token was understood, and the app may not do this. */
  | { kind: 'forbidden'; code: string; detail: string }
  /** The API says of itself, not of the alert, that it does not exist (any more). */
  | { kind: 'retired'; detail: string }
  | { kind: 'unavailable'; retryAfterMs?: number | undefined; detail: string }
  /** The answer arrived whole and is of no use: asked again at once it would be the same. */
  | { kind: 'unusable'; detail: string }
  /** Our own time was up before the answer came. */
  | { kind: 'interrupted'; detail: string }
  | { kind: 'rejected'; code: string; message: string; target?: string | undefined };

const FAILURES: Record<Failure['kind'], true> = {
  not_found: true,
  throttled: true,
  unauthorized: true,
  forbidden: true,
  retired: true,
  unavailable: true,
  unusable: true,
  interrupted: true,
  rejected: true,
};

export function isFailure<Answer extends { kind: string }>(reply: Answer | Failure): reply is Failure {
  return reply.kind in FAILURES;
}

/** An error body as Microsoft's APIs write it; `target` is a tracking ID, which only some give. */
export interface ErrorBody {
  code: string;
  message: string;
  target?: string | undefined;
}

const errorBodySchema = z.object({
  error: z.object({
    code: z.string().catch('unknown'),
    message: z.string().catch(''),
    target: z.string().optional().catch(undefined),
  }),
});

const LONGEST_MESSAGE = 500;

/** Undefined where the body is no error's. */
export function readErrorBody(body: string): ErrorBody | undefined {
  const { data } = errorBodySchema.safeParse(parseJson(body));
  return data && { ...data.error, message: data.error.message.slice(0, LONGEST_MESSAGE) };
}

/** The answer in a sentence for a person. */
export function describeAnswer(service: string, status: number, error: ErrorBody | undefined): string {
  if (error === undefined) return `${service} answered ${status}`;
  const tracking = error.target === undefined ? '' : ` (tracking ID ${error.target.slice(0, 100)})`;
  return `${service} answered ${status} ${error.code}: ${error.message}${tracking}`;
}
