import { evaluate, type Functions, isObject, type Json, type JsonObject, mapJson } from './evaluate.ts';
import { parseExpression } from './expression.ts';

const SUBSCRIPTION = '/subscriptions/d0cfe6b2-9ac0-4464-9919-dccaee2e48c0';
const GROUP = `${SUBSCRIPTION}/resourceGroups/contoso-soc`;

/** What a deployment makes of a template: every expression replaced by its value. */
export interface Deployment {
  resources: JsonObject[];
  outputs: JsonObject;
  /** Parameters and variables that some expression reads, such as `parameters location`. */
  used: ReadonlySet<string>;
}

/**
 * Deploys a template in thought. Every expression has to parse, know its functions and find what it names.
 * @param given Values of the parameters; the others take their defaults.
 */
export function deploy(template: JsonObject, given: Record<string, Json>): Deployment {
  const used = new Set<string>();
  const declared = objectAt(template, 'parameters');
  const templateVariables = objectAt(template, 'variables');
  const functions: Functions = {
    ...constantFunctions,
    parameters: (name) => {
      used.add(`parameters ${name}`);
      const parameter = declared[String(name)];
      if (!isObject(parameter)) {
        throw new Error(`no parameter ${name}`);
      }
      const value = given[String(name)] ?? evaluated(parameter.defaultValue ?? null);
      if (value === null) {
        throw new Error(`parameter ${name} has no value`);
      }
      return value;
    },
    variables: (name) => {
      used.add(`variables ${name}`);
      const variable = templateVariables[String(name)];
      if (variable === undefined) {
        throw new Error(`no variable ${name}`);
      }
      return evaluated(variable);
    },
  };

  function evaluated(value: Json): Json {
    if (typeof value !== 'string') {
      return mapJson(value, evaluated);
    }
    if (value.startsWith('[[')) {
      return value.slice(1);
    }
    if (!(value.startsWith('[') && value.endsWith(']'))) {
      return value;
    }
    return evaluate(parseExpression(value.slice(1, -1)), functions);
  }

  const resources = evaluated(template.resources ?? []);
  if (!Array.isArray(resources)) {
    throw new Error('resources are no array');
  }
  return {
    resources: resources.filter(isObject),
    outputs: objectAt({ outputs: evaluated(template.outputs ?? {}) }, 'outputs'),
    used,
  };
}

/** The resource ID that `resourceId` gives to a resource of the template. */
export function idOf(resource: JsonObject): string {
  return `${GROUP}/providers/${resource.type}/${resource.name}`;
}

export function objectAt(value: JsonObject, name: string): JsonObject {
  const found = value[name];
  if (!isObject(found)) {
    throw new Error(`${name} is no object`);
  }
  return found;
}

const constantFunctions: Functions = {
  concat: (...values) => values.join(''),
  empty: (value) => value === '',
  environment: () => ({
    resourceManager: 'https://management.azure.com/',
    suffixes: { storage: 'core.windows.net' },
  }),
  if: (condition, yes, no) => (condition === true ? yes : no),
  reference: () => ({ identity: { principalId: 'bb8ea0b1-4c0e-4a1c-a5c4-7bd1c6a6f0de' } }),
  resourceGroup: () => ({ location: 'westeurope' }),
  resourceId: (type, name) => `${GROUP}/providers/${type}/${name}`,
  subscriptionResourceId: (type, ...names) => {
    const [namespace, ...types] = String(type).split('/');
    const path = types.map((part, index) => `${part}/${names[index]}`).join('/');
    return `${SUBSCRIPTION}/providers/${namespace}/${path}`;
  },
  union: (...values) => Object.assign({}, ...values),
};
