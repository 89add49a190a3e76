/**
 * Stands in for `@azure/functions-core`, the module that the Functions Node worker gives the real
 * `@azure/functions` library. It knows functions, hooks and invocations, and nothing of storage or HTTP.
 */
import Module from 'node:module';
import type {
  FunctionMetadata,
  InvocationRequest,
  InvocationResponse,
  LogCategory,
  LogLevel,
} from './rpcTypes.ts';

type Handler = (...inputs: unknown[]) => unknown;
// The library wraps every context it receives; what passes through here is opaque to the core.
type HookContext = Record<string, unknown>;
type Hook = (context: HookContext) => unknown;

const HOOK_NAMES = ['preInvocation', 'postInvocation', 'appStart', 'appTerminate', 'log'] as const;
type HookName = (typeof HOOK_NAMES)[number];

interface CoreInvocation {
  invocationId: string;
  request: InvocationRequest;
  metadata: FunctionMetadata;
  /** The library warns about logs that come after the handler, unless the post-invocation hooks run. */
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';
  log(level: LogLevel, category: LogCategory, message: string): void;
}

interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], handler: Handler): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

interface ProgrammingModel {
  getInvocationModel(invocation: CoreInvocation): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

/** One line that the app or the library logged. */
export interface CoreLog {
  level: LogLevel;
  category: LogCategory;
  message: string;
  /** Absent outside of an invocation. */
  functionName?: string;
}

export interface FunctionsCore {
  readonly functions: readonly FunctionMetadata[];
  /**
   * Ends registration: runs the `appStart` hooks and refuses functions from now on.
   * @throws Error when the app uses a feature of the library that the local host lacks.
   */
  start(): Promise<void>;
  /** Calls one function as the worker would. Rejects with what the handler, or a hook, threw. */
  invoke(functionName: string, request: InvocationRequest): Promise<InvocationResponse>;
  /** Runs the `appTerminate` hooks. */
  terminate(): Promise<void>;
}

/**
 * Makes `require('@azure/functions-core')` answer with the stand-in. Call it before the first import of
 * `@azure/functions`, which asks once and remembers the answer; so there can be one per process.
 */
export function installFunctionsCore(log: (entry: CoreLog) => void): FunctionsCore {
  const functions = new Map<string, { metadata: FunctionMetadata; handler: Handler }>();
  const hooks: Record<HookName, Hook[]> = {
    preInvocation: [],
    postInvocation: [],
    appStart: [],
    appTerminate: [],
    log: [],
  };
  const appHookData = {};
  let model: ProgrammingModel | undefined;
  let started = false;

  async function runHooks(name: HookName, context: HookContext): Promise<void> {
    for (const hook of hooks[name]) {
      await hook(context);
    }
  }

  const core = {
    // The versions that the contract was read from; the library reports them and branches on neither.
    version: '3.14.1',
    hostVersion: '4.1052.200',
    Disposable,
    log(level: LogLevel, category: LogCategory, message: string): void {
      log({ level, category, message });
    },
    setProgrammingModel(value: ProgrammingModel): void {
      model = value;
    },
    getProgrammingModel: () => model,
    registerFunction(metadata: FunctionMetadata, handler: Handler): Disposable {
      if (started) {
        throw systemError(new Error('A function can only be registered during app startup.'));
      }
      const id = metadata.functionId ?? metadata.name;
      if (functions.has(id)) {
        throw systemError(new Error(`A function with id "${id}" has already been registered.`));
      }
      functions.set(id, { metadata, handler });
      return new Disposable(() => functions.delete(id));
    },
    registerHook(name: string, hook: Hook): Disposable {
      const registered = isHookName(name) ? hooks[name] : undefined;
      // The library recognises an older worker by exactly this kind of error.
      if (!registered) {
        throw systemError(new RangeError(`Unrecognized hook "${name}"`));
      }
      registered.push(hook);
      return new Disposable(() => registered.splice(registered.indexOf(hook), 1));
    },
  };
  answerRequire('@azure/functions-core', core);

  return {
    get functions() {
      return [...functions.values()].map(({ metadata }) => metadata);
    },
    async start() {
      started = true;
      const capabilities = await model?.getCapabilities({});
      if (capabilities?.HttpUri) {
        throw new Error('enableHttpStream is not supported by the local host. Remove it from app.setup().');
      }
      await runHooks('appStart', { hookData: {}, appHookData });
    },
    async invoke(functionName, request) {
      const registered = functions.get(functionName);
      if (!registered || !model) {
        throw new Error(`No function "${functionName}" is registered.`);
      }
      const { metadata, handler } = registered;
      let invocationContext: unknown;
      const invocation: CoreInvocation = {
        invocationId: request.invocationId,
        request,
        metadata,
        log(level, category, message) {
          const entry = { level, category, message, hookData: {}, appHookData, invocationContext };
          for (const hook of hooks.log) {
            hook(entry);
          }
          log({ level: entry.level, category, message: entry.message, functionName: metadata.name });
        },
      };
      const invocationModel = model.getInvocationModel(invocation);
      const { context, inputs } = await invocationModel.getArguments();
      invocationContext = context;
      const shared = { hookData: {}, appHookData, invocationContext };

      const before = { ...shared, inputs, functionCallback: handler };
      invocation.state = 'preInvocationHooks';
      await runHooks('preInvocation', before);

      const after = { ...shared, inputs: before.inputs, result: null as unknown, error: null as unknown };
      invocation.state = 'invocation';
      try {
        after.result = await invocationModel.invokeFunction(context, before.inputs, before.functionCallback);
      } catch (error) {
        after.error = error ?? new Error(`The function "${functionName}" threw ${String(error)}.`);
      }
      invocation.state = 'postInvocationHooks';
      await runHooks('postInvocation', after);
      if (after.error !== null && after.error !== undefined) {
        throw after.error;
      }
      return invocationModel.getResponse(context, after.result);
    },
    async terminate() {
      await runHooks('appTerminate', { hookData: {}, appHookData });
    },
  };
}

function isHookName(name: string): name is HookName {
  return (HOOK_NAMES as readonly string[]).includes(name);
}

function systemError(error: Error): Error {
  return Object.assign(error, { isAzureFunctionsSystemError: true });
}

function answerRequire(id: string, answer: unknown): void {
  const original = Module.prototype.require;
  Module.prototype.require = Object.assign(function (this: NodeJS.Module, requested: string) {
    return requested === id ? answer : Reflect.apply(original, this, [requested]);
  }, original);
}

class Disposable {
  static from(...disposables: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) {
        disposable.dispose();
      }
    });
  }

  readonly #dispose: () => unknown;

  constructor(dispose: () => unknown) {
    this.#dispose = dispose;
  }

  dispose(): void {
    this.#dispose();
  }
}
