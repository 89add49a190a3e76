/** A kind of request that the storage service gets on the way of alerts. */
export interface OperationKind {
  what: string;
  service: 'queue' | 'table';
  /** Why an alert needs it. */
  reason: string;
  /** Its method and path, from the name of the queue or table on. */
  request: RegExp;
}

/** The names that the benchmark gives to queues and tables are the ones in the patterns. */
export const operationKinds = {
  receive: {
    what: 'queue: get messages',
    service: 'queue',
    reason: 'one request brings up to 16 alerts',
    request: /^GET alerts\/messages\?/,
  },
  claim: {
    what: 'table: insert row',
    service: 'table',
    reason: 'the claim: only one message at a time looks an alert up',
    request: /^POST AlertEnrichments(\?|$)/,
  },
  ledgerRead: {
    what: 'table: read ledger',
    service: 'table',
    reason: 'what other instances have called; not when alone',
    request: /^GET EnrichmentState\(/,
  },
  ledgerWrite: {
    what: 'table: write ledger',
    service: 'table',
    reason: 'reserves the calls of all alerts at hand',
    request: /^(POST EnrichmentState(\?|$)|PUT EnrichmentState\()/,
  },
  store: {
    what: 'table: replace row',
    service: 'table',
    reason: 'the answer, on the condition that the claim holds',
    request: /^PUT AlertEnrichments\(/,
  },
  publish: {
    what: 'queue: put enrichment',
    service: 'queue',
    reason: 'the message for the consumer',
    request: /^POST enrichments\/messages\?/,
  },
  mark: {
    what: 'table: merge row',
    service: 'table',
    reason: 'remembers it as published and ends the claim',
    request: /^PATCH AlertEnrichments\(/,
  },
  settle: {
    what: 'queue: delete message',
    service: 'queue',
    reason: 'by the host, when the function has ended',
    request: /^DELETE alerts\/messages\//,
  },
  submit: {
    what: 'queue: put alert',
    service: 'queue',
    reason: 'by the producer',
    request: /^POST alerts\/messages\?/,
  },
  measureQueue: {
    what: 'queue: read length',
    service: 'queue',
    reason: 'for the report of the quota',
    request: /^GET alerts\?comp=metadata/,
  },
  noteAnswer: {
    what: 'table: note that the API answers',
    service: 'table',
    reason: 'for health, every ten minutes at most',
    request: /^PATCH EnrichmentState\(/,
  },
  createQueue: {
    what: 'queue: create',
    service: 'queue',
    reason: 'at the start of a process',
    request: /^PUT [\w-]+\?(?!.*comp=)/,
  },
  createTable: {
    what: 'table: create',
    service: 'table',
    reason: 'at the start of a process',
    request: /^POST Tables(\?|$)/,
  },
} satisfies Record<string, OperationKind>;

export type OperationName = keyof typeof operationKinds;

/** The kind of the request in a line of Azurite's access log; undefined when it is none of those expected. */
export function operationIn(line: string): OperationName | undefined {
  const [, method, target] = /"(\w+) \/\w+\/(\S+) HTTP\//.exec(line) ?? [];
  const request = `${method} ${target}`;
  return (Object.keys(operationKinds) as OperationName[]).find((name) =>
    operationKinds[name].request.test(request),
  );
}

/** How many requests there were of each kind, and how many of none of them. */
export type OperationCounts = Record<OperationName | 'other', number>;

export function countOperations(lines: readonly string[]): OperationCounts {
  const names = [...Object.keys(operationKinds), 'other'] as (keyof OperationCounts)[];
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as OperationCounts;
  for (const line of lines) {
    counts[operationIn(line) ?? 'other'] += 1;
  }
  return counts;
}
