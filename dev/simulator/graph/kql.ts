/** A query that the service would refuse, in its words. */
export class KqlError extends Error {}

/** What can be told of a query without running it. */
export interface HuntingQuery {
  /** The IDs asked for: the string literals of the query's `datatable`, in order, each once. */
  ids: readonly string[];
  /** Every name outside of text and comments: tables, columns, functions. */
  names: ReadonlySet<string>;
  /** The columns of the answer and what each is taken from; undefined where the end of the query does not say. */
  columns: readonly Column[] | undefined;
}

export interface Column {
  name: string;
  /** The names that its expression refers to. */
  from: readonly string[];
}

/**
 * Reads the IDs, the names and the columns of a query. It knows no more of KQL than that: every filter and every join
 * is taken to do what the hunting queries of the contract do.
 *
 * @throws KqlError for text that is no query
 */
export function parseQuery(text: string): HuntingQuery {
  const code = maskText(text);
  checkBrackets(code);
  const table = /\bdatatable\s*\([^)]*\)\s*\[([^\]]*)\]/d.exec(code);
  const [start, end] = table?.indices?.[1] ?? [0, 0];
  const ids = table === null ? [] : literalsOf(text.slice(start, end), code.slice(start, end));
  const last = splitOutside(code, ';').findLast((statement) => statement.trim() !== '') ?? '';
  return {
    ids: [...new Set(ids)],
    names: new Set(code.match(/\b[A-Za-z_]\w*/g)),
    columns: columnsOf(splitOutside(last, '|').map((operator) => operator.trim())),
  };
}

const TEXT_OR_COMMENT = /\/\/[^\n]*|@"(?:[^"]|"")*"|@'(?:[^']|'')*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;

/** The query with blanks in place of comments and of what stands between quotes, so that every place stays the same. */
function maskText(text: string): string {
  return text.replace(TEXT_OR_COMMENT, (part) =>
    part.startsWith('//') ? ' '.repeat(part.length) : `"${' '.repeat(part.length - 2)}"`,
  );
}

function literalsOf(text: string, code: string): string[] {
  return [...code.matchAll(/" *"/g)].map(({ index, 0: { length } }) =>
    text.slice(index, index + length).replace(/^@?["']|["']$/g, ''),
  );
}

const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

function checkBrackets(code: string): void {
  const open: string[] = [];
  for (const [bracket] of code.matchAll(/[()[\]{}]/g)) {
    const closing = CLOSING[bracket];
    if (closing !== undefined) {
      open.push(closing);
    } else if (open.pop() !== bracket) {
      throw new KqlError(`Unexpected '${bracket}'. Fix syntax errors in your query.`);
    }
  }
  if (open.length > 0 || code.trim() === '') {
    throw new KqlError('Unexpected end of the query. Fix syntax errors in your query.');
  }
}

/** Parts between the separators that are in no bracket. */
function splitOutside(code: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const character of code) {
    if ('([{'.includes(character)) {
      depth += 1;
    } else if (')]}'.includes(character)) {
      depth -= 1;
    }
    if (character === separator && depth === 0) {
      parts.push('');
    } else {
      parts[parts.length - 1] += character;
    }
  }
  return parts;
}

/** Follows the columns through the operators of the last statement. After a join they are not known any more. */
function columnsOf(operators: readonly string[]): Column[] | undefined {
  let columns: Column[] | undefined;
  for (const operator of operators) {
    const [, keyword = '', rest = ''] = /^([\w-]+)\s*([\s\S]*)$/.exec(operator) ?? [];
    if (keyword === 'project' || keyword === 'distinct') {
      columns = columnList(rest);
    } else if (['join', 'lookup', 'union', 'summarize', 'evaluate'].includes(keyword)) {
      columns = undefined;
    } else if (columns !== undefined && keyword === 'extend') {
      const added = columnList(rest);
      columns = [...columns.filter(({ name }) => !added.some((column) => column.name === name)), ...added];
    } else if (columns !== undefined && keyword === 'project-away') {
      const gone = columnList(rest).map(({ name }) => name);
      columns = columns.filter(({ name }) => !gone.includes(name));
    } else if (columns !== undefined && keyword === 'project-rename') {
      const renamed = new Map(columnList(rest).map(({ name, from: [old] }) => [old, name]));
      columns = columns.map(({ name, from }) => ({ name: renamed.get(name) ?? name, from }));
    }
  }
  return columns;
}

/** `A, B = tostring(C)`: the columns A, from A, and B, from C. */
function columnList(text: string): Column[] {
  return splitOutside(text, ',').map((item) => {
    const [, given, expression = ''] = /^\s*(?:(\w+)\s*=(?![=~])\s*)?([\s\S]*?)\s*$/.exec(item) ?? [];
    const from = expression.match(/\b[A-Za-z_]\w*\b(?!\s*\()/g) ?? [];
    const name = given ?? from[0];
    if (name === undefined) {
      throw new KqlError(`The expression '${expression}' names no column. Fix syntax errors in your query.`);
    }
    return { name, from };
  });
}
