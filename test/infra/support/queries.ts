/** What the app's log lines hold. */
export interface Emitted {
  /** Paths of the fields by the name of the event, lists as `[]`: `windows[].limit.calls`. */
  fields: ReadonlyMap<string, ReadonlySet<string>>;
  /** Values of `result`. */
  results: ReadonlySet<string>;
  /** Values of `ended`. */
  ends: ReadonlySet<string>;
}

/** A line as the queries find it: its event's name is the first thing in it. */
const LINE = /^\{"event":"(\w+)"/;

/** Collects what lines hold. Lines without the name of an event in front are none that a query would find. */
export function readLines(lines: readonly string[]): Emitted {
  const fields = new Map<string, Set<string>>();
  const results = new Set<string>();
  const ends = new Set<string>();
  for (const line of lines) {
    const [, event] = LINE.exec(line) ?? [];
    if (event === undefined) {
      continue;
    }
    const values = JSON.parse(line) as Record<string, unknown>;
    fields.set(event, new Set([...(fields.get(event) ?? []), ...pathsOf(values)]));
    if (typeof values.result === 'string') {
      results.add(values.result);
    }
    if (typeof values.ended === 'string') {
      ends.add(values.ended);
    }
  }
  return { fields, results, ends };
}

function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item) => pathsOf(item, `${path}[]`));
  }
  const own = path === '' ? [] : [path];
  if (value === null || typeof value !== 'object') {
    return own;
  }
  const inner = Object.entries(value).flatMap(([key, part]) =>
    pathsOf(part, path === '' ? key : `${path}.${key}`),
  );
  return [...own, ...inner];
}

/** What a query reads and the app does not write: events, fields and values; and functions that it does not have. */
export function queryProblems(
  query: string,
  { fields, results, ends }: Emitted,
  functions: ReadonlySet<string>,
): string[] {
  const code = query.replace(/^\s*\/\/.*$/gm, '');
  const events = [
    ...[...code.matchAll(/\{"event":"(\w+)"/g)].map(([, name = '']) => name),
    ...comparedWith(code, 'line\\.event\\)'),
  ];
  const known = new Set(events.flatMap((event) => [...(fields.get(event) ?? [])]));
  const unknown = (names: string[], isKnown: ReadonlySet<string>, what: string) =>
    names.filter((name) => !isKnown.has(name)).map((name) => `${what} ${name}`);
  return [
    ...(events.length === 0 ? ['names no event'] : []),
    ...unknown(events, new Set(fields.keys()), 'no event is called'),
    ...unknown(fieldsRead(code), known, 'no line holds'),
    ...unknown(comparedWith(code, 'Result|line\\.result\\)'), results, 'no result is'),
    ...unknown(comparedWith(code, 'Ended|line\\.ended\\)'), ends, 'no pass ends as'),
    ...unknown(comparedWith(code, '\\bName'), functions, 'no function is called'),
  ];
}

/** The texts that something is compared with, one by one or as a list. */
function comparedWith(code: string, subject: string): string[] {
  const lists = code.matchAll(new RegExp(`(?:${subject}) (?:[!=]= |in \\()((?:"\\w+"(?:, )?)+)`, 'g'));
  return [...lists].flatMap(([, list = '']) => [...list.matchAll(/"(\w+)"/g)].map(([, value = '']) => value));
}

/** Paths below `line`, the parsed line, and below what `mv-expand` names in it. */
function fieldsRead(code: string): string[] {
  const roots = new Map([['line', '']]);
  for (const [, name = '', path = ''] of code.matchAll(/mv-expand (\w+) = line\.([\w.]+)/g)) {
    roots.set(name, `${path}[].`);
  }
  return [...roots].flatMap(([name, prefix]) =>
    [...code.matchAll(new RegExp(`\\b${name}\\.([\\w.]+)`, 'g'))]
      .map(([, path = '']) => `${prefix}${path}`)
      // A list itself is no path of its items.
      .filter((path) => ![...roots.values()].includes(`${path}[].`)),
  );
}

/** A rule as Azure gets it. */
export interface QueryRule {
  evaluationFrequency: string;
  windowSize: string;
  criteria: { allOf: { query: string; metricMeasureColumn: string }[] };
}

/** Lengths that Azure Monitor takes, in minutes: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule */
const WINDOWS: ReadonlyMap<string, number> = new Map([
  ['PT5M', 5],
  ['PT10M', 10],
  ['PT15M', 15],
  ['PT30M', 30],
  ['PT1H', 60],
  ['PT6H', 360],
  ['P1D', 1_440],
]);

/** Minutes of a length of time, as Azure Monitor writes it; undefined for one that it does not take. */
export function minutesOf(length: string): number | undefined {
  return WINDOWS.get(length);
}

/** Rules that measure what their query does not give, or at times that do not fit. */
export function ruleProblems({ evaluationFrequency, windowSize, criteria }: QueryRule): string[] {
  const window = minutesOf(windowSize);
  const frequency = minutesOf(evaluationFrequency);
  return [
    ...(window === undefined || frequency === undefined || frequency > window
      ? [`${evaluationFrequency} in ${windowSize} does not fit`]
      : []),
    ...criteria.allOf
      .filter(({ query, metricMeasureColumn }) => !new RegExp(`\\b${metricMeasureColumn} = `).test(query))
      .map(({ metricMeasureColumn }) => `the query gives no ${metricMeasureColumn}`),
  ];
}
