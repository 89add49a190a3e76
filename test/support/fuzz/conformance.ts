import type { OpenApiDocument, Operation } from '#dev/openapi/openApi.ts';
import type { DocumentValidator } from './documentValidator.ts';
import type { FuzzRequest, FuzzResponse } from './fuzzRequest.ts';

/** Methods that reach a function; the host itself refuses all others. */
const FUNCTION_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** An operation as a request meant it. */
interface Route {
  path: string;
  methods: string[];
  operation: Operation;
}

/** What an answer says that the document does not, and what it lacks; nothing when it keeps to the document. */
export function mismatchesOf(
  document: OpenApiDocument,
  validator: DocumentValidator,
  request: FuzzRequest,
  response: FuzzResponse,
): string[] {
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Route => {
      return { path, operation, methods: method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()] };
    }),
  );
  if (response.status >= 500) {
    return [`${response.status}: ${response.text}`];
  }
  const path = request.target.split(/[?#]/)[0] ?? '';
  const meant = routes.filter((route) => isPathOf(route.path, path));
  const reachesFunction = meant.length > 0 && isDecodable(path) && FUNCTION_METHODS.includes(request.method);
  if (!reachesFunction && isHostsOwn(request, response)) {
    return [];
  }
  // The host tidies a path up before it looks for a function, so a crooked one may lead to any.
  const candidates = (meant.length > 0 ? meant : routes).map((route) =>
    mismatchesWith(route, validator, request, response),
  );
  return candidates.toSorted((one, other) => one.length - other.length)[0] ?? [];
}

function isPathOf(template: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = template.split('/');
  return (
    parts.length === wanted.length &&
    parts.every((part, index) =>
      wanted[index]?.startsWith('{') ? !/^$|^(?:\.|%2e){1,2}$/i.test(part) : part === wanted[index],
    )
  );
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/** The host's answers, without a body, to a path or method that leads to no function. */
function isHostsOwn({ method }: FuzzRequest, { status, text, headers }: FuzzResponse): boolean {
  if (text !== '' || (method === 'HEAD' && headers['content-type'] !== undefined)) {
    return false;
  }
  return status === 404 || (status === 405 && headers.allow !== undefined);
}

function mismatchesWith(
  { methods, operation }: Route,
  validator: DocumentValidator,
  request: FuzzRequest,
  response: FuzzResponse,
): string[] {
  const { status, headers, text } = response;
  const described = operation.responses[status];
  if (described === undefined) {
    return [`${operation.operationId} does not describe ${status}: ${text}`];
  }
  const mismatches: string[] = [];
  const isRefused = status === 405;
  if (isRefused === methods.includes(request.method)) {
    mismatches.push(`${request.method} gets ${status}`);
  }
  if (isRefused && headers.allow !== methods.join(', ')) {
    mismatches.push(`allow is ${headers.allow}`);
  }
  if (request.isValid && status >= 400 && status !== 404 && !mayBeRefused(request)) {
    mismatches.push(`a valid request gets ${status}: ${text}`);
  }
  if (status < 400 && hasBadWait(request, operation)) {
    mismatches.push(`a bad wait gets ${status}`);
  }

  for (const [name, { required = false, schema }] of Object.entries(described.headers ?? {})) {
    const value = headers[name];
    if (value === undefined) {
      if (required) {
        mismatches.push(`${status} has no header ${name}`);
      }
      continue;
    }
    const typed = schema.type === 'integer' ? Number(value) : value;
    for (const error of validator.errorsOf(schema, typed)) {
      mismatches.push(`${name}: ${JSON.stringify(error)}`);
    }
  }

  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const isBodyless = described.content === undefined;
  const content = described.content?.[type];
  if (isBodyless ? type !== '' : content === undefined) {
    mismatches.push(`${status} is said to be "${type}"`);
  }
  if (isBodyless || request.method === 'HEAD') {
    if (text !== '') {
      mismatches.push(`${status} has a body: ${text}`);
    }
  } else if (content !== undefined) {
    const value = type.endsWith('json') ? parsed(text) : text;
    for (const error of validator.errorsOf(content.schema, value)) {
      mismatches.push(JSON.stringify(error));
    }
    if (type === 'application/problem+json' && (value as { status: number }).status !== status) {
      mismatches.push(`the problem of ${status} says ${text}`);
    }
  }
  return mismatches;
}

/** The schema cannot say all about what an event carries, nor by what a Graph alert is known. */
function mayBeRefused({ target, body }: FuzzRequest): boolean {
  const named = new URL(target, 'http://localhost').searchParams.get('tenantId')?.trim();
  // The tenant that the address names may be another than that of the deployment, or of the alert.
  return Boolean(named) || /"(?:specversion|eventType|@odata\.type|evidence)"/.test(body?.toString() ?? '');
}

function hasBadWait({ target }: FuzzRequest, { parameters = [] }: Operation): boolean {
  if (!parameters.some(({ name }) => name === 'wait')) {
    return false;
  }
  const waits = new URL(target, 'http://localhost').searchParams.getAll('wait');
  return waits.length > 0 && !(waits.length === 1 && /^(?:\d{1,2}|0\d\d|100)$/.test(waits[0] ?? ''));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
