import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe } from 'vitest';
import { startBicepServer } from './bicepServer.ts';
import type { Sources } from './sources.ts';

/** The Bicep compiler: the path in `BICEP`, or the one on the path. `.ci/run` gets it where NuGet can be reached. */
const ask = startBicepServer(process.env.BICEP || 'bicep');

/** The version that `infra/azuredeploy.json` was compiled with, and what the compiler found here says of its own. */
export const EXPECTED_VERSION = '0.49.2';
export const foundVersion = findVersion();

function findVersion(): string | undefined {
  try {
    return (ask('bicep/version', {}) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** A group of tests that need the compiler. Where there is none they are skipped, and the name of the group says so. */
export function describeCompiled(name: string, tests: () => void): void {
  const isThere = foundVersion !== undefined;
  describe.runIf(isThere)(
    isThere ? name : `${name} (skipped: no Bicep compiler in BICEP or on the path)`,
    tests,
  );
}

/** A template as the compiler writes it. */
export interface Template {
  parameters: Record<
    string,
    { type: string; defaultValue?: unknown; allowedValues?: unknown[]; metadata?: Record<string, unknown> }
  >;
  variables: Record<string, unknown>;
  resources: {
    type: string;
    apiVersion: string;
    properties?: { template?: Template; parameters?: Record<string, unknown> };
  }[];
  outputs: Record<string, { type: string; value: unknown }>;
}

/** What compiling a file gave: the text of the template, and what the compiler and its linter object to, a line each. */
export function compile(sources: Sources, path: string): { text: string; diagnostics: string[] } {
  return inFolder(sources, (folder) => {
    const { contents, diagnostics } = ask('bicep/compile', { path: join(folder, path) }) as {
      contents: string | null;
      diagnostics: {
        source: string;
        range: { start: { line: number } };
        level: string;
        code: string;
        message: string;
      }[];
    };
    return {
      text: contents ?? '',
      diagnostics: diagnostics.map(
        ({ source, range, level, code, message }) =>
          `${source.replace(`${folder}/`, '')}(${range.start.line + 1}) : ${level} ${code}: ${message}`,
      ),
    };
  });
}

/** The template of a file. @throws When it cannot be compiled. */
export function templateOf(sources: Sources, path: string): Template {
  return once(sources, path, () => readTemplate(sources, path));
}

function readTemplate(sources: Sources, path: string): Template {
  const { text, diagnostics } = compile(sources, path);
  if (text === '') {
    throw new Error(`${path} cannot be compiled: ${diagnostics.join('\n')}`);
  }
  return JSON.parse(text) as Template;
}

/** A template and those of its modules, each once. */
export function withModules(template: Template): Template[] {
  const inner = template.resources.flatMap(({ properties }) =>
    properties?.template ? withModules(properties.template) : [],
  );
  return [template, ...inner];
}

/** A resource as Azure would be asked for it. */
export interface Deployed {
  id: string;
  type: string;
  /** The last part of its name. */
  name: string;
  /** ID of the resource that an extension such as a role assignment belongs to. */
  scope: string | undefined;
  /** Where only Azure can tell whether it is made: what that depends on. */
  condition: string | undefined;
  body: Record<string, unknown>;
}

export interface Deployment {
  resources: Deployed[];
  outputs: Record<string, unknown>;
}

export const CLIENT_ID = '11111111-1111-4111-8111-111111111111';
export const PRINCIPAL_ID = '22222222-2222-4222-8222-222222222222';
export const TENANT_ID = '33333333-3333-4333-8333-333333333333';
/** Not the public cloud's: a template that writes that out is found. */
export const STORAGE_SUFFIX = 'core.usgovcloudapi.net';

/**
 * What a deployment would ask Azure for, as the compiler predicts it (a snapshot). What only Azure knows, such as
 * the principal ID of an identity, is filled in with the constants above.
 * @throws When the template cannot be compiled or does not take the parameters.
 */
export function deploy(sources: Sources, path: string, parameters: Record<string, unknown>): Deployment {
  return once(sources, path + JSON.stringify(parameters), () => predict(sources, path, parameters));
}

const results = new WeakMap<Sources, Map<string, unknown>>();

/** Asks the compiler only once for the same, which takes it half a second. */
function once<Result>(sources: Sources, key: string, get: () => Result): Result {
  const known = results.get(sources) ?? new Map<string, unknown>();
  results.set(sources, known);
  if (!known.has(key)) {
    known.set(key, get());
  }
  return known.get(key) as Result;
}

function predict(sources: Sources, path: string, parameters: Record<string, unknown>): Deployment {
  return inFolder(sources, (folder) => {
    const given = Object.entries(parameters).map(([name, value]) => `param ${name} = ${literalOf(value)}`);
    const file = join(folder, dirname(path), 'given.bicepparam');
    writeFileSync(file, [`using './${basename(path)}'`, ...given, ''].join('\n'));
    // A template for a subscription is refused the name of a group.
    const isForSubscription = /^targetScope = 'subscription'/m.test(sources.get(path) ?? '');
    const metadata = {
      subscriptionId: CLIENT_ID,
      tenantId: TENANT_ID,
      location: 'westeurope',
      resourceGroup: isForSubscription ? null : 'rg-prod',
      deploymentName: null,
    };
    const { snapshot: text } = predicted(path, { path: file, metadata, externalInputs: null });
    const snapshot = JSON.parse(text, (_, value) =>
      typeof value === 'string' ? filledIn(value) : value,
    ) as {
      predictedResources: { id: string; type: string; name: string; condition?: string }[];
      outputs: Record<string, unknown>;
    };
    return { resources: snapshot.predictedResources.map(toDeployed), outputs: snapshot.outputs };
  });
}

function predicted(path: string, request: object): { snapshot: string } {
  try {
    return ask('bicep/getSnapshot', request) as { snapshot: string };
  } catch (error) {
    throw new Error(`${path} cannot be deployed: ${error instanceof Error ? error.message : error}`);
  }
}

function toDeployed(body: { id: string; type: string; name: string; condition?: string }): Deployed {
  const [, scope] = /extensionResourceId\('([^']+)'/.exec(body.id) ?? [];
  const [, lockScope] = /^(.+)\/providers\/Microsoft\.Authorization\/[^/]+\/[^/]+$/.exec(body.id) ?? [];
  return {
    id: body.id,
    type: body.type,
    name: body.name.split('/').at(-1) ?? '',
    scope: scope ?? lockScope,
    condition: body.condition,
    body: { ...body },
  };
}

/** What Azure adds to a resource once it exists, as far as templates read it. */
function runtimeValue(name: string, property: string): string | undefined {
  switch (property) {
    case 'clientId':
      return CLIENT_ID;
    case 'principalId':
      return PRINCIPAL_ID;
    case 'ConnectionString':
      return 'InstrumentationKey=00000000-0000-4000-8000-000000000000';
    case 'defaultHostName':
      return `${name}.azurewebsites.net`;
    default: {
      const [, service] = /^primaryEndpoints\.(\w+)$/.exec(property) ?? [];
      return service && `https://${name}.${service}.${STORAGE_SUFFIX}/`;
    }
  }
}

/** A text of a prediction with what it leaves open; one that stays open keeps its brackets. */
function filledIn(text: string): string {
  if (!text.startsWith('[') || text.startsWith('[[') || !text.endsWith(']')) {
    return text;
  }
  const known = text
    .slice(1, -1)
    .replaceAll('environment().suffixes.storage', `'${STORAGE_SUFFIX}'`)
    .replaceAll('environment().authentication.loginEndpoint', "'https://login.microsoftonline.com/'")
    .replaceAll(/reference\('([^']+)', '[^']+'\)\.([\w.]+)/g, (whole, id: string, property: string) => {
      const value = runtimeValue(id.split('/').at(-1) ?? '', property);
      return value === undefined ? whole : `'${value}'`;
    });
  const formatted = withFormats(known);
  return /^'[^']*'$/.test(formatted) ? formatted.slice(1, -1) : `[${formatted}]`;
}

/** Carries out `format` with texts, the innermost first. */
function withFormats(text: string): string {
  const next = text.replaceAll(/format\('([^']*)'((?:, '[^']*')+)\)/g, (_, pattern: string, list: string) => {
    const values = [...list.matchAll(/'([^']*)'/g)].map(([, value = '']) => value);
    return `'${pattern.replaceAll(/\{(\d)\}/g, (__, index: string) => values[Number(index)] ?? '')}'`;
  });
  return next === text ? text : withFormats(next);
}

/** A value in the language of parameter files. */
function literalOf(value: unknown): string {
  if (typeof value === 'string') {
    return `'${value.replaceAll("'", "\\'")}'`;
  }
  if (Array.isArray(value)) {
    return `[\n${value.map(literalOf).join('\n')}\n]`;
  }
  if (value === null || typeof value !== 'object') {
    return String(value);
  }
  return `{\n${Object.entries(value)
    .map(([name, part]) => `${name}: ${literalOf(part)}`)
    .join('\n')}\n}`;
}

function inFolder<Result>(sources: Sources, use: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'bicep-'));
  try {
    for (const [path, text] of sources) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
