import { posix } from 'node:path';
import type { Node } from 'web-tree-sitter';
import { type BicepFile, parseBicep, partsOf, type Resource } from './bicepFile.ts';
import { evaluate, loop, type Scope } from './evaluate.ts';
import type { Sources } from './sources.ts';

/** A resource as Azure would be asked for it. */
export interface Deployed {
  /** File that declares it. */
  path: string;
  id: string;
  type: string;
  name: string;
  /** ID of the resource that an extension such as a role assignment belongs to. */
  scope: string | undefined;
  body: Record<string, unknown>;
}

export interface Deployment {
  resources: Deployed[];
  outputs: Record<string, unknown>;
}

export const CLIENT_ID = '11111111-1111-4111-8111-111111111111';
export const PRINCIPAL_ID = '22222222-2222-4222-8222-222222222222';
/** Not the public cloud's: a template that writes that out is found. */
export const STORAGE_SUFFIX = 'core.usgovcloudapi.net';

/** What Azure adds to a resource once it exists, as far as templates read it. */
function runtimeProperties(type: string, name: string): Record<string, unknown> {
  switch (type) {
    case 'Microsoft.Storage/storageAccounts': {
      const endpoint = (service: string) => `https://${name}.${service}.${STORAGE_SUFFIX}/`;
      const primaryEndpoints = { blob: endpoint('blob'), queue: endpoint('queue'), table: endpoint('table') };
      return { primaryEndpoints };
    }
    case 'Microsoft.ManagedIdentity/userAssignedIdentities':
      return { clientId: CLIENT_ID, principalId: PRINCIPAL_ID };
    case 'Microsoft.Insights/components':
      return { ConnectionString: 'InstrumentationKey=00000000-0000-4000-8000-000000000000' };
    case 'Microsoft.Web/sites':
      return { defaultHostName: `${name}.azurewebsites.example.net` };
    default:
      return {};
  }
}

/**
 * What a deployment of the template would ask Azure for: a small interpreter in place of the compiler, which no package
 * brings along. Names that do not exist, properties that nothing has and functions it does not know throw.
 */
export function deploy(sources: Sources, path: string, given: Record<string, unknown>): Deployment {
  const text = sources.get(path);
  if (text === undefined) throw new Error(`There is no ${path}`);
  const file = parseBicep(text);
  const resources: Deployed[] = [];
  const values = new Map<string, () => unknown>();
  const scope: Scope = {
    resolve(name) {
      const value = values.get(name);
      if (value === undefined) throw new Error(`${path}: nothing is called ${name}`);
      return value();
    },
    call: (name, list) => callFunction(sources, path, name, list),
  };
  declareValues(file, given, scope, values);
  for (const resource of file.resources) {
    values.set(
      resource.symbol,
      once(() =>
        each(resource.value, scope, (body) => {
          const deployed = toDeployed(path, resource, body);
          if (!resource.existing) resources.push(deployed);
          const properties = body.properties as object | undefined;
          return {
            ...body,
            id: deployed.id,
            name: deployed.name,
            type: resource.type,
            properties: { ...properties, ...runtimeProperties(resource.type, deployed.name) },
          };
        }),
      ),
    );
  }
  for (const module of file.modules) {
    const target = posix.join(posix.dirname(path), module.path);
    values.set(
      module.symbol,
      once(() =>
        each(module.value, scope, (body) => {
          const inner = deploy(sources, target, (body.params ?? {}) as Record<string, unknown>);
          resources.push(...inner.resources);
          return { name: body.name, outputs: inner.outputs };
        }),
      ),
    );
  }
  for (const { symbol } of [...file.resources, ...file.modules]) scope.resolve(symbol);
  const outputs = Object.fromEntries(file.outputs.map(({ name, value }) => [name, evaluate(value, scope)]));
  return { resources, outputs };
}

function declareValues(
  file: BicepFile,
  given: Record<string, unknown>,
  scope: Scope,
  values: Map<string, () => unknown>,
): void {
  for (const { name, default: fallback } of file.parameters) {
    values.set(
      name,
      once(() => {
        if (name in given) return given[name];
        if (fallback === undefined) throw new Error(`The parameter ${name} has no value`);
        return evaluate(fallback, scope);
      }),
    );
  }
  for (const { name, value } of file.variables) {
    values.set(
      name,
      once(() => evaluate(value, scope)),
    );
  }
}

/** Undefined for what its condition leaves out. */
function each(value: Node, scope: Scope, create: (body: Record<string, unknown>) => unknown): unknown {
  if (value.type === 'for_statement') return loop(value, scope, (body, inner) => each(body, inner, create));
  if (value.type === 'if_statement') {
    const [condition, body] = partsOf(value);
    if (!condition || !body) throw new Error(`A condition is incomplete: ${value.text}`);
    return evaluate(condition, scope) ? each(body, scope, create) : undefined;
  }
  return create(evaluate(value, scope) as Record<string, unknown>);
}

function toDeployed(path: string, { type }: Resource, body: Record<string, unknown>): Deployed {
  const name = String(body.name);
  const parent = body.parent as { id: string } | undefined;
  const scope = (body.scope as { id: string } | undefined)?.id;
  const id =
    parent === undefined
      ? `${scope ?? ''}/${type}/${name}`
      : `${parent.id}/${type.split('/').at(-1)}/${name}`;
  return { path, id, type, name, scope, body };
}

function callFunction(sources: Sources, path: string, name: string, list: unknown[]): unknown {
  const [first, second] = list;
  switch (name) {
    case 'empty':
      return first === null || first === '' || Object.keys(first as object).length === 0;
    case 'string':
      return JSON.stringify(first);
    case 'split':
      return String(first).split(String(second));
    case 'concat':
      return list.flat();
    case 'union':
      return Object.assign({}, ...(list as object[]));
    case 'items':
      return Object.entries(first as object).map(([key, value]) => ({ key, value }));
    case 'uniqueString':
      return 'abcdefghijklm';
    case 'guid':
      return list.join('|');
    case 'subscriptionResourceId':
      return `/${first}/${second}`;
    case 'resourceGroup':
      return { id: '/subscriptions/s/resourceGroups/g', location: 'westeurope' };
    case 'tenant':
      return { tenantId: '33333333-3333-4333-8333-333333333333' };
    case 'environment':
      return {
        suffixes: { storage: STORAGE_SUFFIX },
        authentication: { loginEndpoint: 'https://login.example.net/' },
      };
    case 'loadTextContent': {
      const target = posix.join(posix.dirname(path), String(first));
      const text = sources.get(target);
      if (text === undefined) throw new Error(`${path} loads ${target}, which does not exist`);
      return text;
    }
    default:
      throw new Error(`${path}: no rule for the function ${name}`);
  }
}

function once<T>(create: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: create() };
    return made.value;
  };
}
