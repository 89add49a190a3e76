import { isDeepStrictEqual } from 'node:util';
import { type Functions, isObject, type Json } from './evaluate.ts';

const TICKS_PER_MILLISECOND = 10_000;

/**
 * The functions of the Workflow Definition Language that the playbooks use and that need nothing but their arguments
 * (https://learn.microsoft.com/azure/logic-apps/expression-functions-reference). A wrong type is an error.
 */
export const workflowFunctions: Functions = {
  add: (left, right) => number(left) + number(right),
  and: (...values) => values.every(boolean),
  base64: (value) => Buffer.from(text(value), 'utf8').toString('base64'),
  base64ToString: (value) => {
    const bytes = Buffer.from(text(value), 'base64');
    if (bytes.toString('base64') !== value) {
      throw new Error('base64ToString: this is no base64');
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  },
  coalesce: (...values) => values.find((value) => value !== null) ?? null,
  concat: (...values) => values.map(text).join(''),
  contains: (collection, value) => {
    if (Array.isArray(collection)) {
      return collection.some((item) => isDeepStrictEqual(item, value));
    }
    if (isObject(collection)) {
      return Object.hasOwn(collection, text(value));
    }
    return text(collection).includes(text(value));
  },
  createArray: (...values) => values,
  empty: (value) => value === null || sizeOf(value) === 0,
  encodeURIComponent: (value) => encodeURIComponent(text(value)),
  equals: (left, right) => isDeepStrictEqual(left, right),
  greater: (left, right) => number(left) > number(right),
  greaterOrEquals: (left, right) => number(left) >= number(right),
  if: (condition, yes, no) => (boolean(condition) ? yes : no),
  join: (list, separator) => array(list).map(text).join(text(separator)),
  json: (value) => JSON.parse(text(value)),
  last: (value) => (typeof value === 'string' ? value.slice(-1) : (array(value).at(-1) ?? null)),
  length: (value) => sizeOf(value),
  lessOrEquals: (left, right) => number(left) <= number(right),
  not: (value) => !boolean(value),
  or: (...values) => values.some(boolean),
  parseDateTime: (value, locale) => {
    const time = new Date(text(value));
    if (locale !== 'en-US' || Number.isNaN(time.getTime())) {
      throw new Error(`parseDateTime: ${value} is no time`);
    }
    return time.toISOString();
  },
  removeProperty: (value, name) => {
    if (!isObject(value)) {
      throw new Error(`expected an object, got ${JSON.stringify(value)}`);
    }
    return Object.fromEntries(Object.entries(value).filter(([other]) => other !== name));
  },
  replace: (value, found, by) => text(value).replaceAll(text(found), text(by)),
  sort: (list, by) =>
    array(list).toSorted((left, right) => (text(property(left, by)) < text(property(right, by)) ? -1 : 1)),
  split: (value, separator) => text(value).split(text(separator)),
  startsWith: (value, start) => text(value).toLowerCase().startsWith(text(start).toLowerCase()),
  string: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
  sub: (left, right) => number(left) - number(right),
  substring: (value, start, length) => {
    const end = number(start) + number(length);
    if (number(start) < 0 || end > text(value).length) {
      throw new Error('substring: outside of the text');
    }
    return text(value).slice(number(start), end);
  },
  take: (list, count) => array(list).slice(0, number(count)),
  ticks: (value) => {
    // Microsoft describes the timestamps of these functions as ISO 8601, and promises no other form.
    const time = /^\d{4}-\d{2}-\d{2}T/.test(text(value)) ? Date.parse(text(value)) : Number.NaN;
    if (Number.isNaN(time)) {
      throw new Error(`ticks: ${value} is no time in ISO 8601`);
    }
    return (time - Date.parse('0001-01-01T00:00:00Z')) * TICKS_PER_MILLISECOND;
  },
  toLower: (value) => text(value).toLowerCase(),
  trim: (value) => text(value).trim(),
  union: (...collections) => {
    if (collections.every(isObject)) {
      return Object.assign({}, ...collections);
    }
    const found: Json[] = [];
    for (const item of collections.flatMap(array)) {
      if (!found.some((other) => isDeepStrictEqual(other, item))) {
        found.push(item);
      }
    }
    return found;
  },
};

function text(value: Json | undefined): string {
  if (typeof value !== 'string') {
    throw new Error(`expected a text, got ${JSON.stringify(value)}`);
  }
  return value;
}

function number(value: Json | undefined): number {
  if (typeof value !== 'number') {
    throw new Error(`expected a number, got ${JSON.stringify(value)}`);
  }
  return value;
}

function boolean(value: Json | undefined): boolean {
  if (typeof value !== 'boolean') {
    throw new Error(`expected true or false, got ${JSON.stringify(value)}`);
  }
  return value;
}

function array(value: Json | undefined): Json[] {
  if (!Array.isArray(value)) {
    throw new Error(`expected an array, got ${JSON.stringify(value)}`);
  }
  return value;
}

function sizeOf(value: Json): number {
  if (isObject(value)) {
    return Object.keys(value).length;
  }
  return typeof value === 'string' ? value.length : array(value).length;
}

function property(value: Json, name: Json): Json {
  return (isObject(value) && value[text(name)]) || null;
}
