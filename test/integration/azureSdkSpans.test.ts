import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { useInstrumenter } from '@azure/core-tracing';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test } from 'vitest';
import { azureSdkInstrumenter } from '#shared/opentelemetry/azureSdk.ts';
import { createStorageClients } from '#shared/storage/storageClients.ts';

const SIGNATURE = 'c2VjcmV0LXNpZ25hdHVyZQ%3D%3D';

test('spans of storage hold no signature of a shared access signature, whatever the service answers', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.url ?? '');
    response.writeHead(403, { 'x-ms-error-code': 'AuthenticationFailed' }).end(`refused: ${request.url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => context.disable());
  useInstrumenter(azureSdkInstrumenter(provider));

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/account`;
  const connectionString = `QueueEndpoint=${url};TableEndpoint=${url};SharedAccessSignature=sv=2022-11-02&ss=qt&sig=${SIGNATURE}`;
  const clients = createStorageClients({ kind: 'connectionString', connectionString }, { tries: 1 });
  await expect(clients.queue('alerts').sendMessage('text')).rejects.toThrow();
  await expect(clients.table('State').getEntity('a', 'b')).rejects.toThrow();

  const told = exporter
    .getFinishedSpans()
    .map(({ name, attributes, status, events }) => ({ name, attributes, status, events }));
  expect(seen.filter((path) => path.includes(SIGNATURE))).toHaveLength(2);
  expect(told.filter(({ attributes }) => String(attributes['url.full']).startsWith(url))).toHaveLength(2);
  expect(JSON.stringify(told)).not.toMatch(/c2VjcmV0/);
  expect(told.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['QueueClient-sendMessage', 'TableClient.getEntity']),
  );
});
