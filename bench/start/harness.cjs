/**
 * Stands in for the Functions worker at the least cost: loads an app as the worker does, up to a mark, and ends there.
 *
 *     node harness.cjs <main file> invocation    the handler of the first message is entered
 *     node harness.cjs <main file> request       what the appStart hooks begin opens its first connection
 *     node harness.cjs <main file> message       the first message is handled as far as its first connection
 */
const Module = require('node:module');
const { pathToFileURL } = require('node:url');

let model;
let registered;
let callback;
const startHooks = [];

class Disposable {
  dispose() {}
}

const core = {
  version: '3.14.1',
  hostVersion: '4.1052.200',
  Disposable,
  log() {},
  setProgrammingModel(value) {
    model = value;
  },
  getProgrammingModel: () => model,
  registerFunction(metadata, handler) {
    if (metadata.name === 'enrichAlert') {
      registered = metadata;
      callback = handler;
    }
    return new Disposable();
  },
  registerHook(name, hook) {
    if (name === 'appStart') {
      startHooks.push(hook);
    }
    return new Disposable();
  },
};

const original = Module.prototype.require;
Module.prototype.require = function (id) {
  return id === '@azure/functions-core' ? core : original.call(this, id);
};

async function run(mainFile, mark) {
  await import(pathToFileURL(mainFile).href);
  if (mark !== 'invocation') {
    // Once nothing is left to do no connection can come any more.
    process.once('beforeExit', () => process.exit(1));
    require('node:net').Socket.prototype.connect = () => process.exit(0);
  }
  if (mark === 'request') {
    for (const hook of startHooks) {
      await hook({ hookData: {}, appHookData: {} });
    }
    return;
  }
  const [binding] = Object.keys(registered.bindings);
  const invocation = model.getInvocationModel({
    invocationId: '1',
    metadata: registered,
    request: { inputData: [{ name: binding, data: { string: 'an alert' } }], triggerMetadata: {} },
    log() {},
  });
  const { context, inputs } = await invocation.getArguments();
  await invocation.invokeFunction(context, inputs, mark === 'message' ? callback : () => process.exit(0));
}

const [, , mainFile, mark] = process.argv;
run(mainFile, mark).catch((error) => {
  console.error(error);
  process.exit(1);
});
