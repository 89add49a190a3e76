import { type Expression, parseTemplate } from './expression.ts';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };
/** Arguments are computed before the call, also those of `if`, `and` and `or`: the strictest reading there is. */
export type Functions = Readonly<Record<string, (...values: Json[]) => Json>>;

export function evaluate(expression: Expression, functions: Functions): Json {
  if (expression.kind === 'literal') {
    return expression.value;
  }
  if (expression.kind === 'access') {
    const target = evaluate(expression.target, functions);
    return accessed(target, evaluate(expression.key, functions), expression.optional);
  }
  const call = Object.hasOwn(functions, expression.name) ? functions[expression.name] : undefined;
  if (call === undefined) {
    throw new Error(`unknown function ${expression.name}`);
  }
  return call(...expression.arguments.map((argument) => evaluate(argument, functions)));
}

/** Replaces every expression in a part of a workflow definition by its value. */
export function evaluateAll(value: Json, functions: Functions): Json {
  if (typeof value === 'string') {
    return evaluateText(value, functions);
  }
  return mapJson(value, (inner) => evaluateAll(inner, functions));
}

/** The same value with each item or property replaced. */
export function mapJson(value: Json, change: (inner: Json) => Json): Json {
  if (Array.isArray(value)) {
    return value.map(change);
  }
  if (!isObject(value)) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, change(inner)]));
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function evaluateText(text: string, functions: Functions): Json {
  const template = parseTemplate(text);
  if (template.kind === 'whole') {
    return evaluate(template.expression, functions);
  }
  return template.parts
    .map((part) => (typeof part === 'string' ? part.replaceAll('@@', '@') : shown(evaluate(part, functions))))
    .join('');
}

function shown(value: Json): string {
  if (value === null) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function accessed(target: Json, key: Json, optional: boolean): Json {
  if (target === null) {
    if (optional) {
      return null;
    }
    throw new Error(`null has no ${JSON.stringify(key)}`);
  }
  let found: Json | undefined;
  if (Array.isArray(target) && typeof key === 'number') {
    found = target[key];
  } else if (isObject(target) && typeof key === 'string') {
    found = Object.hasOwn(target, key) ? target[key] : undefined;
  } else {
    throw new Error(`${JSON.stringify(target)} has no ${JSON.stringify(key)}`);
  }
  if (found === undefined && !optional) {
    throw new Error(`missing ${JSON.stringify(key)}`);
  }
  return found ?? null;
}
