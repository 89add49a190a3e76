/** The values of a route's parameters in a path, decoded; undefined when the path does not match. */
export type RouteMatch = (path: string) => Record<string, string> | undefined;

interface Segment {
  kind: 'literal' | 'required' | 'optional';
  text: string;
}

const SEGMENT = /^(?:\{(?<name>\w+)(?<optional>\?)?\}|(?<literal>[^{}]+))$/;

function parseRoute(template: string): Segment[] {
  const parts = template.split('/').filter((part) => part !== '');
  return parts.map((part) => {
    const groups = SEGMENT.exec(part)?.groups;
    if (groups?.literal) {
      return { kind: 'literal', text: groups.literal.toLowerCase() };
    }
    if (groups?.name) {
      return { kind: groups.optional ? 'optional' : 'required', text: groups.name };
    }
    throw new Error(
      `The route "${template}" is not supported by the local host: it knows {name} and {name?}.`,
    );
  });
}

/**
 * Prepares a route template like `alerts/{id}/{part?}`.
 * @throws Error for a template with constraints, defaults or catch-alls.
 */
export function matcherOf(template: string): RouteMatch {
  const segments = parseRoute(template);
  const required = segments.filter(({ kind }) => kind !== 'optional').length;
  return (path) => {
    const parts = path.split('/').filter((part) => part !== '');
    if (parts.length < required || parts.length > segments.length) {
      return undefined;
    }
    const params: Record<string, string> = {};
    for (const [index, part] of parts.entries()) {
      const segment = segments[index];
      const value = decode(part);
      if (!segment || value === undefined) {
        return undefined;
      }
      if (segment.kind !== 'literal') {
        params[segment.text] = value;
      } else if (segment.text !== value.toLowerCase()) {
        return undefined;
      }
    }
    return params;
  };
}

/** Orders routes so that the more specific one is asked first: a literal before a parameter, at each segment. */
export function specificityOf(template: string): string {
  const ranks = { literal: 0, required: 1, optional: 2 };
  return parseRoute(template)
    .map(({ kind }) => ranks[kind])
    .join('');
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
