import type { Node } from 'web-tree-sitter';
import { partsOf } from './bicepFile.ts';

/** What the names of an expression stand for. */
export interface Scope {
  /** @throws When there is no such name. */
  resolve(name: string): unknown;
  call(name: string, values: unknown[]): unknown;
}

type Values = Record<string, unknown>;

/** The value of a Bicep expression. Only what the project's templates use is known; anything else throws. */
export function evaluate(node: Node, scope: Scope): unknown {
  const value = (inner: Node | null | undefined): unknown => {
    if (!inner) throw new Error(`An expression is incomplete: ${node.text}`);
    return evaluate(inner, scope);
  };
  const field = (name: string) => value(node.childForFieldName(name));
  switch (node.type) {
    case 'string':
      return text(node, scope);
    case 'number':
      return Number(node.text);
    case 'boolean':
      return node.text === 'true';
    case 'null':
      return null;
    case 'identifier':
      return scope.resolve(node.text);
    case 'parenthesized_expression':
      return value(partsOf(node)[0]);
    case 'array':
      return partsOf(node).map((item) => value(item));
    case 'object':
      return Object.fromEntries(partsOf(node).map((property) => entry(property, scope)));
    case 'ternary_expression':
      return field('condition') ? field('consequence') : field('alternative');
    case 'unary_expression':
      return !field('argument');
    case 'binary_expression':
      return binary(node.childForFieldName('operator')?.text, field('left'), () => field('right'));
    case 'member_expression':
      return member(field('object'), node.childForFieldName('property')?.text ?? '', node);
    case 'subscript_expression':
      return member(field('object'), String(field('index')), node);
    case 'call_expression': {
      const [callee, list] = partsOf(node);
      return scope.call(callee?.text ?? '', list ? partsOf(list).map((item) => value(item)) : []);
    }
    case 'for_statement':
      return loop(node, scope, evaluate);
    default:
      throw new Error(`No rule for ${node.type}: ${node.text}`);
  }
}

/** The result of the body for each item, in a scope that knows the item and, where it is named, its index. */
export function loop<Result>(node: Node, scope: Scope, each: (body: Node, scope: Scope) => Result): Result[] {
  const body = node.childForFieldName('body');
  const parts = partsOf(node);
  const [head, list] = parts;
  if (!body || !head || !list) throw new Error(`A loop is incomplete: ${node.text}`);
  const [item, index] = head.type === 'for_loop_parameters' ? partsOf(head) : [head];
  return (evaluate(list, scope) as unknown[]).map((value, position) =>
    each(body, {
      ...scope,
      resolve: (name) => {
        if (name === item?.text) return value;
        return name === index?.text ? position : scope.resolve(name);
      },
    }),
  );
}

function text(node: Node, scope: Scope): string {
  return partsOf(node)
    .map((part) => {
      if (part.type === 'interpolation') return String(evaluate(partsOf(part)[0] as Node, scope));
      return part.type === 'escape_sequence' ? part.text.slice(1) : part.text;
    })
    .join('');
}

function entry(property: Node, scope: Scope): [string, unknown] {
  const [key, value] = partsOf(property);
  if (!key || !value) throw new Error(`A property is incomplete: ${property.text}`);
  return [key.type === 'string' ? text(key, scope) : key.text, evaluate(value, scope)];
}

function binary(operator: string | undefined, left: unknown, right: () => unknown): unknown {
  switch (operator) {
    case '==':
      return left === right();
    case '!=':
      return left !== right();
    case '&&':
      return left && right();
    case '||':
      return left || right();
    default:
      throw new Error(`No rule for the operator ${operator}`);
  }
}

function member(object: unknown, property: string, node: Node): unknown {
  if (object === null || typeof object !== 'object' || !(property in object)) {
    throw new Error(`${node.text}: there is no ${property}`);
  }
  return (object as Values)[property];
}
