import { posix } from 'node:path';
import { type BicepFile, bodyOf, literal, parseBicep, partsOf, propertiesOf, walk } from './bicepFile.ts';
import { ofKind, type Sources } from './sources.ts';

const files = (sources: Sources): [path: string, file: BicepFile][] =>
  ofKind(sources, '.bicep').map(([path, text]) => [path, parseBicep(text)]);

/** Places where a file is no Bicep. */
export function syntaxProblems(sources: Sources): string[] {
  return files(sources).flatMap(([path, { root }]) =>
    [...walk(root)]
      .filter((node) => node.isError || node.isMissing)
      .map((node) => `${path}:${node.startPosition.row + 1}: not Bicep: ${node.text.slice(0, 40)}`),
  );
}

/** Parameters and variables that nothing reads. */
export function unusedProblems(sources: Sources): string[] {
  return files(sources).flatMap(([path, { root, parameters, variables }]) => {
    const read = namesRead(root);
    return [...parameters, ...variables]
      .filter(({ name }) => !read.has(name))
      .map(({ name }) => `${path}: nothing reads ${name}`);
  });
}

/** Identifiers, but for those that declare something or name a property. */
function namesRead(root: BicepFile['root']): Set<string> {
  const names = new Set<string>();
  for (const node of walk(root)) {
    if (node.type !== 'identifier' || node.parent === null) continue;
    const isFirst = partsOf(node.parent)[0]?.equals(node) === true;
    if (isFirst && /_declaration$|^object_property$/.test(node.parent.type)) continue;
    names.add(node.text);
  }
  return names;
}

/** Modules that do not exist, are given what they do not declare, or lack what they need. */
export function moduleProblems(sources: Sources): string[] {
  return files(sources).flatMap(([path, { modules }]) =>
    modules.flatMap((module) => {
      const target = posix.join(posix.dirname(path), module.path);
      const text = sources.get(target);
      if (text === undefined) return [`${path}: there is no module ${target}`];
      const { parameters } = parseBicep(text);
      const params = propertiesOf(bodyOf(module.value)).get('params');
      const given = new Set(params === undefined ? [] : propertiesOf(params).keys());
      const declared = parameters.map(({ name }) => name);
      return [
        ...[...given]
          .filter((name) => !declared.includes(name))
          .map((name) => `${path}: ${target} has no ${name}`),
        ...parameters
          .filter((parameter) => parameter.default === undefined && !given.has(parameter.name))
          .map(({ name }) => `${path}: ${target} is not given ${name}`),
      ];
    }),
  );
}

/** Files that are loaded and missing, and queries that nothing loads. */
export function loadProblems(sources: Sources): string[] {
  const loaded = files(sources).flatMap(([path, { root }]) =>
    [...walk(root)]
      .filter((node) => node.type === 'call_expression' && node.text.startsWith('loadTextContent('))
      .map((node) => {
        const argument = partsOf(node.childForFieldName('arguments') ?? node)[0];
        return { path, target: posix.join(posix.dirname(path), literal(argument)) };
      }),
  );
  return [
    ...loaded
      .filter(({ target }) => !sources.has(target))
      .map(({ path, target }) => `${path} loads ${target}, which does not exist`),
    ...ofKind(sources, '.kql')
      .filter(([path]) => !loaded.some(({ target }) => target === path))
      .map(([path]) => `nothing loads ${path}`),
  ];
}

/** Resource types without a version, with one that may change, or in several versions. */
export function apiVersionProblems(sources: Sources): string[] {
  const versions = new Map<string, string>();
  return files(sources).flatMap(([path, { resources }]) =>
    resources.flatMap(({ type, apiVersion }) => {
      if (!/^\d{4}-\d{2}-\d{2}$/.test(apiVersion))
        return [`${path}: ${type} has the version "${apiVersion}"`];
      const first = versions.get(type) ?? apiVersion;
      versions.set(type, first);
      return first === apiVersion ? [] : [`${path}: ${type} has the versions ${first} and ${apiVersion}`];
    }),
  );
}

/** Parameters of the same name that differ between the template for azd and the one for a resource group. */
export function sharedParameterProblems(sources: Sources): string[] {
  const [main, resources] = ['infra/main.bicep', 'infra/resources.bicep'].map((path) =>
    parseBicep(sources.get(path) ?? ''),
  );
  // What these are follows from where they are given, and who gives them.
  const ownWords = new Set(['environmentName', 'location']);
  return (main?.parameters ?? []).flatMap((parameter) => {
    const other = resources?.parameters.find(({ name }) => name === parameter.name);
    if (other === undefined || ownWords.has(parameter.name)) return [];
    const differs = (['description', 'allowed'] as const).filter(
      (name) => parameter.decorators.get(name)?.text !== other.decorators.get(name)?.text,
    );
    const hasOtherDefault = parameter.default?.text !== other.default?.text;
    return [...differs, ...(hasOtherDefault ? ['default'] : [])].map(
      (what) => `${parameter.name}: ${what} differs`,
    );
  });
}

/** Parameters of the templates that people deploy without a description. */
export function descriptionProblems(sources: Sources): string[] {
  return ['infra/main.bicep', 'infra/resources.bicep'].flatMap((path) =>
    parseBicep(sources.get(path) ?? '')
      .parameters.filter(({ decorators }) => decorators.get('description') === undefined)
      .map(({ name }) => `${path}: ${name} has no description`),
  );
}

/** Outputs of these templates that azd would not keep as a variable of that name. */
export function outputProblems(sources: Sources): string[] {
  return ['infra/main.bicep', 'infra/resources.bicep'].flatMap((path) =>
    parseBicep(sources.get(path) ?? '')
      .outputs.filter(({ name }) => !/^[A-Z][A-Z0-9_]*$/.test(name))
      .map(({ name }) => `${path}: the output ${name} is not in upper case`),
  );
}
