/** A parsed expression. ARM templates and workflow definitions share this grammar. */
export type Expression =
  | { kind: 'literal'; value: string | number | boolean | null }
  | { kind: 'call'; name: string; arguments: Expression[] }
  | { kind: 'access'; target: Expression; key: Expression; optional: boolean };

/** A text of a workflow definition: constant text and expressions in turn, or one expression as a whole. */
export type Template = { kind: 'whole'; expression: Expression } | { kind: 'text'; parts: TemplatePart[] };
export type TemplatePart = string | Expression;

/** Parses an expression that takes up the whole text. */
export function parseExpression(text: string): Expression {
  const parser = new Parser(text, 0);
  const expression = parser.expression();
  parser.expectEnd();
  return expression;
}

/** Parses a text of a workflow definition: `@expression`, `text @{expression} text`, or `@@` for a plain at sign. */
export function parseTemplate(text: string): Template {
  if (text.startsWith('@') && text[1] !== '{' && text[1] !== '@') {
    return { kind: 'whole', expression: parseExpression(text.slice(1)) };
  }
  const parts: TemplatePart[] = [];
  let from = 0;
  while (true) {
    const start = text.indexOf('@{', from);
    if (start < 0) {
      break;
    }
    const parser = new Parser(text, start + 2);
    parts.push(text.slice(from, start), parser.expression());
    parser.expect('}');
    from = parser.position;
  }
  parts.push(text.slice(from));
  return { kind: 'text', parts: parts.filter((part) => part !== '') };
}

/** Every call in the expression, from the outside to the inside. */
export function* callsIn(expression: Expression): Generator<Extract<Expression, { kind: 'call' }>> {
  if (expression.kind === 'call') {
    yield expression;
    for (const argument of expression.arguments) {
      yield* callsIn(argument);
    }
  } else if (expression.kind === 'access') {
    yield* callsIn(expression.target);
    yield* callsIn(expression.key);
  }
}

const LITERALS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

class Parser {
  readonly text: string;
  position: number;

  constructor(text: string, position: number) {
    this.text = text;
    this.position = position;
  }

  expression(): Expression {
    let expression = this.primary();
    while (true) {
      const optional = this.take(/\?(?=[[.])/y) !== undefined;
      if (this.take(/\[/y)) {
        const key = this.expression();
        this.expect(']');
        expression = { kind: 'access', target: expression, key, optional };
      } else if (this.take(/\./y)) {
        const value = this.take(/[A-Za-z_]\w*/y) ?? this.fail('a property name');
        expression = { kind: 'access', target: expression, key: { kind: 'literal', value }, optional };
      } else {
        return expression;
      }
    }
  }

  expect(character: string): void {
    this.skipSpace();
    if (this.text[this.position] !== character) {
      this.fail(`"${character}"`);
    }
    this.position += 1;
  }

  expectEnd(): void {
    this.skipSpace();
    if (this.position < this.text.length) {
      this.fail('the end');
    }
  }

  private primary(): Expression {
    const quoted = this.take(/'(?:[^']|'')*'/y);
    if (quoted !== undefined) {
      return { kind: 'literal', value: quoted.slice(1, -1).replaceAll("''", "'") };
    }
    const number = this.take(/-?\d+(?:\.\d+)?/y);
    if (number !== undefined) {
      return { kind: 'literal', value: Number(number) };
    }
    const name = this.take(/[A-Za-z]\w*/y) ?? this.fail('a value or a function');
    if (this.take(/\(/y)) {
      return { kind: 'call', name, arguments: this.callArguments() };
    }
    const literal = LITERALS[name];
    if (literal === undefined) {
      return this.fail(`"(" after ${name}`);
    }
    return { kind: 'literal', value: literal };
  }

  private callArguments(): Expression[] {
    if (this.take(/\)/y)) {
      return [];
    }
    const found = [this.expression()];
    while (this.take(/,/y)) {
      found.push(this.expression());
    }
    this.expect(')');
    return found;
  }

  private take(pattern: RegExp): string | undefined {
    this.skipSpace();
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) {
      this.position += found.length;
    }
    return found;
  }

  private skipSpace(): void {
    while (/\s/.test(this.text[this.position] ?? '')) {
      this.position += 1;
    }
  }

  private fail(expected: string): never {
    throw new Error(`expected ${expected} at character ${this.position} of: ${this.text}`);
  }
}
