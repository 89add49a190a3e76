import { evaluateAll, type Functions, isObject, type Json, type JsonObject } from './evaluate.ts';
import { workflowFunctions } from './workflowFunctions.ts';

export type Status = 'Succeeded' | 'Failed' | 'Skipped';

/** A request that an action sends: over HTTP, or through a connection. */
export interface Request {
  action: string;
  method: string;
  /** The address; of a connection the path, with the queries after it. */
  url: string;
  headers: JsonObject;
  body: Json;
  /** Whom the identity's token is for, or the connection that signs in; null when nobody signs in. */
  signIn: Json;
}

export interface Response {
  status: number;
  body?: Json;
}

export interface Run {
  status: Status;
  requests: Request[];
  /** How each action that was reached ended. */
  statuses: Record<string, Status>;
  /** Why actions failed. */
  errors: string[];
}

export interface RunOptions {
  /** Values of the workflow's parameters. */
  parameters: JsonObject;
  triggerBody: Json;
  /** The time throughout the run. */
  now?: Date;
  /** Answers a request; undefined means that no answer came. */
  answer: (request: Request) => Response | undefined;
}

type Actions = Record<string, JsonObject>;

class Terminated extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(`terminated as ${status}`);
    this.status = status;
  }
}

/**
 * Runs a workflow. Times, retries and the polling of a 202 are left out. The iterations of a concurrent loop run from
 * the last to the first, so that nothing may rely on their order.
 */
export function runWorkflow(definition: JsonObject, options: RunOptions): Run {
  const run = new WorkflowRun(options);
  const { requests, statuses, errors } = run;
  try {
    return { status: run.actions(actionsOf(definition)), requests, statuses, errors };
  } catch (error) {
    if (error instanceof Terminated) {
      return { status: error.status, requests, statuses, errors };
    }
    throw error;
  }
}

class WorkflowRun {
  readonly requests: Request[] = [];
  readonly statuses: Record<string, Status> = {};
  readonly errors: string[] = [];
  private readonly outputs = new Map<string, Json>();
  private readonly variables = new Map<string, Json>();
  private readonly items = new Map<string, Json>();
  private readonly rounds = new Map<string, number>();
  private readonly options: RunOptions;
  private readonly functions: Functions;

  constructor(options: RunOptions) {
    this.options = options;
    const bodyOf = (name: Json) => {
      const outputs = this.outputs.get(String(name)) ?? null;
      return isObject(outputs) && Object.hasOwn(outputs, 'body') ? (outputs.body ?? null) : null;
    };
    this.functions = {
      ...workflowFunctions,
      body: bodyOf,
      items: (name) => this.items.get(String(name)) ?? null,
      iterationIndexes: (name) => this.rounds.get(String(name)) ?? null,
      listCallbackUrl: () => 'https://prod-00.westeurope.logic.azure.com/callback',
      outputs: (name) => this.outputs.get(String(name)) ?? null,
      parameters: (name) => existing(options.parameters[String(name)], `parameter ${name}`),
      triggerBody: () => options.triggerBody,
      utcNow: () => (options.now ?? new Date()).toISOString(),
      variables: (name) => existing(this.variables.get(String(name)), `variable ${name}`),
    };
  }

  actions(actions: Actions): Status {
    const waiting = new Map(Object.entries(actions));
    const ended: Record<string, Status> = {};
    while (waiting.size > 0) {
      const next = [...waiting].find(([, { runAfter }]) =>
        Object.keys(runAfter ?? {}).every((n) => ended[n]),
      );
      if (next === undefined) {
        throw new Error(`never run: ${[...waiting.keys()].join(', ')}`);
      }
      const [name, action] = next;
      waiting.delete(name);
      const wanted = Object.entries((action.runAfter ?? {}) as Record<string, string[]>);
      const due = wanted.every(([before, allowed]) => allowed.includes(ended[before] ?? ''));
      ended[name] = due ? this.action(name, action) : this.skipped(name, action);
      this.statuses[name] = ended[name];
    }
    return statusOf(actions, ended);
  }

  private skipped(name: string, action: JsonObject): Status {
    this.forget(name, action);
    return 'Skipped';
  }

  /** An action that is skipped, or about to run in a further iteration, has no outputs. */
  private forget(name: string, action: JsonObject): void {
    this.outputs.delete(name);
    for (const actions of [actionsOf(action), actionsOf((action.else ?? {}) as JsonObject)]) {
      for (const [inner, innerAction] of Object.entries(actions)) {
        this.forget(inner, innerAction);
      }
    }
  }

  private action(name: string, action: JsonObject): Status {
    this.forget(name, action);
    try {
      return this.performed(name, action);
    } catch (error) {
      if (error instanceof Terminated) {
        throw error;
      }
      this.errors.push(`${name}: ${error instanceof Error ? error.message : error}`);
      return 'Failed';
    }
  }

  private performed(name: string, action: JsonObject): Status {
    const inputs = (action.inputs ?? null) as JsonObject;
    switch (action.type) {
      case 'Scope':
        return this.actions(actionsOf(action));
      case 'If': {
        const met = this.condition(action.expression as Json);
        const other = actionsOf((action.else ?? {}) as JsonObject);
        return this.actions(met ? actionsOf(action) : other);
      }
      case 'Foreach':
        return this.foreach(name, action);
      case 'Until':
        return this.until(name, action);
      case 'Terminate':
        throw new Terminated(inputs.runStatus as Status);
      case 'Http':
      case 'ApiConnection':
        return this.request(name, this.value(inputs) as JsonObject);
      case 'Compose':
        this.outputs.set(name, this.value(inputs));
        return 'Succeeded';
      case 'Query':
        this.outputs.set(name, {
          body: this.from(inputs).filter((item) => this.of(item, inputs.where) === true),
        });
        return 'Succeeded';
      case 'Select':
        this.outputs.set(name, { body: this.from(inputs).map((item) => this.of(item, inputs.select)) });
        return 'Succeeded';
      default:
        this.changeVariable(String(action.type), inputs);
        return 'Succeeded';
    }
  }

  private changeVariable(type: string, inputs: JsonObject): void {
    if (type === 'InitializeVariable') {
      for (const variable of inputs.variables as JsonObject[]) {
        this.variables.set(String(variable.name), this.value(variable.value ?? null));
      }
      return;
    }
    const name = String(inputs.name);
    const before = existing(this.variables.get(name), `variable ${name}`);
    const value = this.value(inputs.value ?? null);
    if (type === 'AppendToArrayVariable') {
      this.variables.set(name, [...(before as Json[]), value]);
    } else if (type === 'AppendToStringVariable') {
      this.variables.set(name, `${before}${value}`);
    } else if (type === 'IncrementVariable') {
      this.variables.set(name, Number(before) + Number(value));
    } else {
      throw new Error(`unknown type of action ${type}`);
    }
  }

  private foreach(name: string, action: JsonObject): Status {
    const items = this.value(action.foreach ?? null);
    if (!Array.isArray(items)) {
      throw new Error('foreach needs an array');
    }
    const { concurrency } = (action.runtimeConfiguration ?? {}) as { concurrency?: { repetitions: number } };
    const inTurn = concurrency?.repetitions === 1;
    const ends = (inTurn ? items : items.toReversed()).map((item) => {
      this.items.set(name, item);
      return this.actions(actionsOf(action));
    });
    return ends.includes('Failed') ? 'Failed' : 'Succeeded';
  }

  private until(name: string, action: JsonObject): Status {
    const { count } = action.limit as { count: number };
    for (let round = 0; round < count; round += 1) {
      this.rounds.set(name, round);
      if (this.actions(actionsOf(action)) === 'Failed') {
        return 'Failed';
      }
      if (this.value(action.expression ?? null) === true) {
        return 'Succeeded';
      }
    }
    throw new Error('the limit of the loop was reached');
  }

  private request(action: string, inputs: JsonObject): Status {
    const { host, authentication } = inputs as {
      host?: { connection: JsonObject };
      authentication?: JsonObject;
    };
    const queries = Object.entries((inputs.queries ?? {}) as Record<string, string>);
    const request: Request = {
      action,
      method: String(inputs.method).toUpperCase(),
      url: host
        ? `${inputs.path}${queries.length ? `?${new URLSearchParams(queries)}` : ''}`
        : String(inputs.uri),
      headers: (inputs.headers ?? {}) as JsonObject,
      body: inputs.body ?? null,
      signIn: host?.connection.name ?? authentication?.audience ?? null,
    };
    this.requests.push(request);
    const response = this.options.answer(request);
    if (response === undefined) {
      throw new Error('no answer');
    }
    this.outputs.set(action, { statusCode: response.status, headers: {}, body: response.body ?? null });
    if (response.status < 400) {
      return 'Succeeded';
    }
    this.errors.push(`${action}: ${response.status}`);
    return 'Failed';
  }

  private from(inputs: JsonObject): Json[] {
    const from = this.value(inputs.from ?? null);
    if (!Array.isArray(from)) {
      throw new Error(`expected an array, got ${JSON.stringify(from)}`);
    }
    return from;
  }

  private of(item: Json, value: Json | undefined): Json {
    return evaluateAll(value ?? null, { ...this.functions, item: () => item });
  }

  private condition(expression: Json): boolean {
    if (!isObject(expression)) {
      return this.value(expression) === true;
    }
    const [operator, operands] = Object.entries(expression)[0] ?? [];
    if (operator === 'and') {
      return (operands as Json[]).every((operand) => this.condition(operand));
    }
    if (operator === 'or') {
      return (operands as Json[]).some((operand) => this.condition(operand));
    }
    if (operator === 'not') {
      return !this.condition(operands as Json);
    }
    const compare = workflowFunctions[operator ?? ''];
    if (compare === undefined) {
      throw new Error(`unknown condition ${operator}`);
    }
    return compare(...(operands as Json[]).map((operand) => this.value(operand))) === true;
  }

  private value(value: Json): Json {
    return evaluateAll(value, this.functions);
  }
}

function actionsOf(container: JsonObject): Actions {
  return (container.actions ?? {}) as Actions;
}

function existing(value: Json | undefined, name: string): Json {
  if (value === undefined) {
    throw new Error(`no ${name}`);
  }
  return value;
}

/** The status of a group is that of its last actions; where those were skipped, that of the ones before them. */
function statusOf(actions: Actions, ended: Record<string, Status>): Status {
  const before = (name: string) => Object.keys((actions[name]?.runAfter ?? {}) as JsonObject);
  const followed = new Set(Object.keys(actions).flatMap(before));
  const failed = (name: string): boolean =>
    ended[name] === 'Failed' || (ended[name] === 'Skipped' && before(name).some(failed));
  return Object.keys(actions).some((name) => !followed.has(name) && failed(name)) ? 'Failed' : 'Succeeded';
}
