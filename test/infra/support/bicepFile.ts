import { fileURLToPath } from 'node:url';
import { Language, type Node, Parser } from 'web-tree-sitter';

await Parser.init();
const grammar = new URL('../../../node_modules/tree-sitter-bicep/tree-sitter-bicep.wasm', import.meta.url);
const parser = new Parser();
parser.setLanguage(await Language.load(fileURLToPath(grammar)));

export interface Parameter {
  name: string;
  type: string;
  default: Node | undefined;
  decorators: ReadonlyMap<string, Node | undefined>;
}

export interface Resource {
  symbol: string;
  type: string;
  apiVersion: string;
  existing: boolean;
  /** An object, or a loop or a condition around one. */
  value: Node;
}

export interface Module {
  symbol: string;
  path: string;
  value: Node;
}

/** What a Bicep file declares. */
export interface BicepFile {
  root: Node;
  targetScope: string;
  parameters: Parameter[];
  variables: { name: string; value: Node }[];
  resources: Resource[];
  modules: Module[];
  outputs: { name: string; value: Node }[];
}

/** Reads the declarations of a file, as far as they can be read. */
export function parseBicep(text: string): BicepFile {
  const tree = parser.parse(text);
  if (tree === null) throw new Error('The parser gave no tree.');
  const file: BicepFile = {
    root: tree.rootNode,
    targetScope: 'resourceGroup',
    parameters: [],
    variables: [],
    resources: [],
    modules: [],
    outputs: [],
  };
  let decorators = new Map<string, Node | undefined>();
  for (const node of partsOf(tree.rootNode)) {
    if (node.type === 'decorators') {
      decorators = decoratorsOf(node);
      continue;
    }
    declare(file, node, decorators);
    decorators = new Map();
  }
  return file;
}

function declare(file: BicepFile, node: Node, decorators: Parameter['decorators']): void {
  const parts = partsOf(node);
  const name = parts[0]?.text ?? '';
  const last = parts.at(-1);
  if (last === undefined) return;
  switch (node.type) {
    case 'target_scope_assignment':
      file.targetScope = literal(last);
      break;
    case 'parameter_declaration':
      file.parameters.push({
        name,
        type: parts[1]?.text ?? '',
        default: parts[2],
        decorators,
      });
      break;
    case 'variable_declaration':
      file.variables.push({ name, value: last });
      break;
    case 'output_declaration':
      file.outputs.push({ name, value: last });
      break;
    case 'resource_declaration': {
      const [type = '', apiVersion = ''] = literal(parts[1]).split('@');
      const existing = node.children.some((child) => child?.type === 'existing');
      file.resources.push({ symbol: name, type, apiVersion, existing, value: last });
      break;
    }
    case 'module_declaration':
      file.modules.push({ symbol: name, path: literal(parts[1]), value: last });
      break;
  }
}

function decoratorsOf(node: Node): Map<string, Node | undefined> {
  return new Map(
    partsOf(node).map((decorator) => {
      const [name, values] = partsOf(partsOf(decorator)[0] ?? decorator);
      return [name?.text ?? '', values && partsOf(values)[0]];
    }),
  );
}

/** The parts that mean something: neither punctuation nor comments. */
export function partsOf(node: Node): Node[] {
  return node.namedChildren.filter(
    (child): child is Node => child !== null && !child.type.endsWith('comment'),
  );
}

/** Every node below, the node itself first. */
export function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) if (child !== null) yield* walk(child);
}

/** The text of a string that holds no expression. */
export function literal(node: Node | undefined): string {
  const parts = node === undefined ? [] : partsOf(node);
  return parts.every(({ type }) => type === 'string_content') ? parts.map(({ text }) => text).join('') : '';
}

/** The object in a resource's or module's value, whatever loop or condition is around it. */
export function bodyOf(value: Node): Node {
  if (value.type === 'object') return value;
  const inner = value.type === 'for_statement' ? value.childForFieldName('body') : partsOf(value).at(-1);
  if (!inner) throw new Error(`No object in ${value.text}`);
  return bodyOf(inner);
}

/** The properties of an object by name. */
export function propertiesOf(object: Node): Map<string, Node> {
  return new Map(
    partsOf(object).flatMap((property) => {
      const [key, value] = partsOf(property);
      return key && value ? [[key.type === 'string' ? literal(key) : key.text, value] as const] : [];
    }),
  );
}
