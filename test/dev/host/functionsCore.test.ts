import { beforeAll, describe, expect, test } from 'vitest';
import { type CoreLog, type FunctionsCore, installFunctionsCore } from '#dev/host/functionsCore.ts';
import type { TypedData } from '#dev/host/rpcTypes.ts';

const logs: CoreLog[] = [];
const seen: string[] = [];
let core: FunctionsCore;

beforeAll(async () => {
  core = installFunctionsCore((entry) => logs.push(entry));
  const { app, output } = await import('@azure/functions');
  const copy = output.storageQueue({ queueName: 'copies', connection: 'Storage' });
  app.storageQueue('copy', {
    queueName: 'originals',
    connection: 'Storage',
    extraOutputs: [copy],
    handler: (message, context) => {
      if (message === 'bad') {
        throw new TypeError('a bad message');
      }
      context.warn('copying');
      context.extraOutputs.set(copy, { copied: message, id: context.triggerMetadata?.id });
    },
  });
  app.hook.appStart(() => void seen.push('appStart'));
  app.hook.appTerminate(() => void seen.push('appTerminate'));
  app.hook.preInvocation((context) => void seen.push(`before ${context.invocationContext.functionName}`));
  app.hook.postInvocation((context) => {
    seen.push(context.error instanceof Error ? `after ${context.error.message}` : 'after success');
  });
  app.hook.log((context) => {
    context.message = context.message.toUpperCase();
  });
  await core.start();
});

function invoke(input: TypedData) {
  const [trigger] =
    Object.entries(core.functions[0]?.bindings ?? {}).find(([, { direction }]) => direction === 'in') ?? [];
  return core.invoke('copy', {
    invocationId: 'invocation-1',
    inputData: [{ name: trigger ?? '', data: input }],
    triggerMetadata: { Id: { string: 'message-1' } },
    traceContext: { traceParent: '', traceState: '', attributes: {} },
  });
}

describe('The stand-in for the Functions core', () => {
  test('registers functions of the real library and runs their appStart hooks', () => {
    expect(core.functions.map(({ name }) => name)).toEqual(['copy']);
    expect(seen[0]).toBe('appStart');
  });

  test('calls the handler with parsed input and trigger metadata and returns its outputs', async () => {
    const response = await invoke({ string: '{"n":1}' });
    expect(response.outputData.map(({ data }) => data)).toEqual([
      { json: '{"copied":{"n":1},"id":"message-1"}' },
    ]);
    expect(seen.slice(-2)).toEqual(['before copy', 'after success']);
  });

  test('names the function on each log line and lets log hooks change it', async () => {
    logs.length = 0;
    await invoke({ string: 'text' });
    expect(logs).toEqual([{ level: 'warning', category: 'user', message: 'COPYING', functionName: 'copy' }]);
  });

  test('rejects with what the handler threw, after the hooks have seen it', async () => {
    await expect(invoke({ string: 'bad' })).rejects.toThrow(new TypeError('a bad message'));
    expect(seen.at(-1)).toBe('after a bad message');
  });

  test('refuses functions after the start', async () => {
    const { app } = await import('@azure/functions');
    expect(() => app.get('late', () => ({}))).toThrow(
      'A function can only be registered during app startup.',
    );
  });

  test('runs appTerminate hooks at the end', async () => {
    await core.terminate();
    expect(seen.at(-1)).toBe('appTerminate');
  });
});
