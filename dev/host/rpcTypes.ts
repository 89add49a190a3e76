/**
 * The part of the contract between the Functions host and its Node worker that the local host speaks.
 * The library's own types of it (`@azure/functions-core`) are not published.
 */

/** One value on its way between host and handler; exactly one of the fields is set. */
export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: HttpRequestData | HttpResponseData;
}

interface NullableString {
  value: string;
}

/** An HTTP request as the host hands it over: header names in lower case, the body as bytes. */
export interface HttpRequestData {
  method: string;
  url: string;
  nullableHeaders: Record<string, NullableString>;
  nullableQuery: Record<string, NullableString>;
  nullableParams: Record<string, NullableString>;
  body: { bytes: Uint8Array };
}

/** An HTTP response as the library returns it. */
export interface HttpResponseData {
  statusCode: string;
  headers: Record<string, string>;
  cookies: unknown[];
  body?: TypedData | null;
}

export interface NamedData {
  name: string;
  data: TypedData;
}

/** A binding as the library registers it: type, direction and the options that the app gave. */
export interface Binding {
  type: string;
  direction: 'in' | 'out';
  [option: string]: unknown;
}

export interface FunctionMetadata {
  functionId?: string;
  name: string;
  bindings: Record<string, Binding>;
}

/** One call of one function. */
export interface InvocationRequest {
  invocationId: string;
  inputData: NamedData[];
  triggerMetadata: Record<string, TypedData>;
  traceContext: { traceParent: string; traceState: string; attributes: Record<string, string> };
}

/** What a handler that succeeded leaves to the host. */
export interface InvocationResponse {
  invocationId: string;
  outputData: NamedData[];
  returnValue?: TypedData | null;
}

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type LogCategory = 'user' | 'system' | 'customMetric';
