import { isObject, type Json, type JsonObject } from './evaluate.ts';
import { callsIn, type Expression, parseTemplate } from './expression.ts';
import { workflowFunctions } from './workflowFunctions.ts';

type Actions = Record<string, JsonObject>;

/** What an action may refer to. */
interface Reach {
  /** Actions that have ended when it runs. */
  ended: ReadonlySet<string>;
  /** Loops over items, and loops until a condition, that it is in. */
  foreachLoops: ReadonlySet<string>;
  untilLoops: ReadonlySet<string>;
  topLevel: boolean;
}

const ACTION_TYPES = new Set([
  'ApiConnection',
  'AppendToArrayVariable',
  'AppendToStringVariable',
  'Compose',
  'Foreach',
  'Http',
  'If',
  'IncrementVariable',
  'InitializeVariable',
  'Query',
  'Scope',
  'Select',
  'Terminate',
  'Until',
]);
const LOOP_TYPES = new Set(['Foreach', 'Until']);
const STATUSES = new Set(['Succeeded', 'Failed', 'Skipped', 'TimedOut']);
/** Functions that need the run, beside those that need their arguments only. */
const RUN_FUNCTIONS = new Set(['item', 'listCallbackUrl', 'triggerBody', 'utcNow']);
const LONGEST_NAME = 80;

/**
 * What is wrong with a workflow definition, each in a sentence that names the action. Limits and rules are those of
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language and
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration.
 */
export function workflowProblems(definition: JsonObject): string[] {
  const check = new Check(definition);
  for (const [name, trigger] of Object.entries((definition.triggers ?? {}) as Actions)) {
    check.texts(name, trigger, check.outside);
  }
  check.group((definition.actions ?? {}) as Actions, check.outside);
  check.unusedParameters();
  return check.problems;
}

class Check {
  readonly problems: string[] = [];
  readonly outside: Reach = {
    ended: new Set(),
    foreachLoops: new Set(),
    untilLoops: new Set(),
    topLevel: true,
  };
  private readonly parameters: ReadonlySet<string>;
  private readonly usedParameters = new Set<string>();
  private readonly names = new Set<string>();
  private readonly variables = new Map<string, string>();

  constructor(definition: JsonObject) {
    this.parameters = new Set(Object.keys((definition.parameters ?? {}) as JsonObject));
    for (const [name, { type, inputs }] of allActions((definition.actions ?? {}) as Actions)) {
      if (type !== 'InitializeVariable') {
        continue;
      }
      const { variables } = inputs as { variables: JsonObject[] };
      for (const variable of variables) {
        this.variables.set(String(variable.name), name);
      }
    }
  }

  group(actions: Actions, outer: Reach): void {
    for (const [name, action] of Object.entries(actions)) {
      this.shape(name, action, outer);
      this.order(name, action, actions);
      const before = [...predecessors(name, actions)].flatMap((earlier) =>
        withInner(earlier, actions[earlier]),
      );
      const reach: Reach = { ...outer, ended: new Set([...outer.ended, ...before]) };
      this.ownTexts(name, action, reach);
      for (const inner of innerGroups(action)) {
        this.group(inner, within(name, action, reach));
      }
    }
  }

  texts(owner: string, value: Json, reach: Reach): void {
    if (typeof value === 'string') {
      this.text(owner, value, reach);
    } else if (Array.isArray(value)) {
      for (const item of value) {
        this.texts(owner, item, reach);
      }
    } else if (isObject(value)) {
      for (const inner of Object.values(value)) {
        this.texts(owner, inner, reach);
      }
    }
  }

  unusedParameters(): void {
    for (const name of this.parameters) {
      if (!this.usedParameters.has(name)) {
        this.problems.push(`the parameter ${name} is not used`);
      }
    }
  }

  private shape(name: string, action: JsonObject, { topLevel, foreachLoops, untilLoops }: Reach): void {
    if (this.names.has(name)) {
      this.problems.push(`${name}: there are two actions of this name`);
    }
    this.names.add(name);
    if (name.length > LONGEST_NAME) {
      this.problems.push(`${name}: the name is too long`);
    }
    if (!ACTION_TYPES.has(String(action.type))) {
      this.problems.push(`${name}: unknown type ${action.type}`);
    }
    if (action.type === 'InitializeVariable' && !topLevel) {
      this.problems.push(`${name}: a variable is made in a scope`);
    }
    if (action.type === 'Terminate' && foreachLoops.size + untilLoops.size > 0) {
      this.problems.push(`${name}: a loop cannot end the run`);
    }
  }

  private order(name: string, action: JsonObject, siblings: Actions): void {
    if (!isObject(action.runAfter)) {
      this.problems.push(`${name}: runAfter is missing`);
      return;
    }
    for (const [earlier, statuses] of Object.entries(action.runAfter)) {
      if (siblings[earlier] === undefined) {
        this.problems.push(`${name}: runAfter names no sibling ${earlier}`);
      }
      if (!Array.isArray(statuses) || !statuses.every((status) => STATUSES.has(String(status)))) {
        this.problems.push(`${name}: runAfter has a wrong status`);
      }
    }
    if (predecessors(name, siblings).has(name)) {
      this.problems.push(`${name}: runs after itself`);
    }
  }

  private ownTexts(name: string, action: JsonObject, reach: Reach): void {
    const { actions: _, else: __, runAfter: ___, description: ____, expression, ...own } = action;
    this.texts(name, own, reach);
    const inner =
      action.type === 'Until' ? innerGroups(action).flatMap((group) => [...allActions(group)]) : [];
    const round: Reach = {
      ...within(name, action, reach),
      ended: new Set([
        ...reach.ended,
        ...inner.flatMap(([innerName, innerAction]) => withInner(innerName, innerAction)),
      ]),
    };
    this.texts(name, expression ?? null, round);
    const variable = (action.inputs as JsonObject | undefined)?.name;
    if (typeof variable === 'string' && String(action.type).endsWith('Variable')) {
      this.variable(name, variable, reach);
    }
  }

  private text(owner: string, text: string, reach: Reach): void {
    try {
      const template = parseTemplate(text);
      const parts = template.kind === 'whole' ? [template.expression] : template.parts;
      for (const part of parts) {
        if (typeof part !== 'string') {
          this.expression(owner, part, reach);
        }
      }
    } catch (error) {
      this.problems.push(`${owner}: ${error instanceof Error ? error.message : error}`);
    }
  }

  private expression(owner: string, expression: Expression, reach: Reach): void {
    for (const call of callsIn(expression)) {
      const [first] = call.arguments;
      const name = first?.kind === 'literal' ? String(first.value) : '';
      const wrong = (what: string) => this.problems.push(`${owner}: ${call.name}('${name}') ${what}`);
      switch (call.name) {
        case 'body':
        case 'outputs':
          if (!reach.ended.has(name)) {
            wrong('names no action that ran before');
          }
          break;
        case 'items':
          if (!reach.foreachLoops.has(name)) {
            wrong('names no loop around it');
          }
          break;
        case 'iterationIndexes':
          if (!reach.untilLoops.has(name)) {
            wrong('names no loop around it');
          }
          break;
        case 'variables':
          this.variable(owner, name, reach);
          break;
        case 'parameters':
          this.usedParameters.add(name);
          if (!this.parameters.has(name)) {
            wrong('names no parameter');
          }
          break;
        default:
          if (!Object.hasOwn(workflowFunctions, call.name) && !RUN_FUNCTIONS.has(call.name)) {
            this.problems.push(`${owner}: unknown function ${call.name}`);
          }
      }
    }
  }

  private variable(owner: string, name: string, reach: Reach): void {
    if (!reach.ended.has(this.variables.get(name) ?? '')) {
      this.problems.push(`${owner}: no variable ${name} was made before`);
    }
  }
}

/** Every action of a group and of the groups in it. */
export function* allActions(actions: Actions): Generator<[string, JsonObject]> {
  for (const [name, action] of Object.entries(actions)) {
    yield [name, action];
    for (const inner of innerGroups(action)) {
      yield* allActions(inner);
    }
  }
}

function innerGroups(action: JsonObject): Actions[] {
  const other = action.else as JsonObject | undefined;
  return [action.actions, other?.actions].filter((group) => group !== undefined) as Actions[];
}

function within(name: string, action: JsonObject, reach: Reach): Reach {
  return {
    ...reach,
    topLevel: false,
    foreachLoops: action.type === 'Foreach' ? new Set([...reach.foreachLoops, name]) : reach.foreachLoops,
    untilLoops: action.type === 'Until' ? new Set([...reach.untilLoops, name]) : reach.untilLoops,
  };
}

/** What can be referred to once the action has ended: inside of a loop there is one of each action a round. */
function withInner(name: string, action: JsonObject | undefined): string[] {
  if (action === undefined || LOOP_TYPES.has(String(action.type))) {
    return [name];
  }
  const inner = innerGroups(action).flatMap((group) => Object.entries(group));
  return [name, ...inner.flatMap(([innerName, innerAction]) => withInner(innerName, innerAction))];
}

function predecessors(name: string, actions: Actions, found = new Set<string>()): Set<string> {
  for (const earlier of Object.keys((actions[name]?.runAfter ?? {}) as JsonObject)) {
    if (found.has(earlier)) {
      continue;
    }
    found.add(earlier);
    predecessors(earlier, actions, found);
  }
  return found;
}
