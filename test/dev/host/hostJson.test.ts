import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readHostJson } from '#dev/host/hostJson.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'host-json-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(content: object) {
  writeFileSync(join(folder, 'host.json'), JSON.stringify(content));
  return readHostJson(folder);
}

describe('host.json', () => {
  test('has the defaults of the Functions host', () => {
    const { functionTimeout, extensions } = read({ version: '2.0' });
    expect(functionTimeout).toBe(1_800_000);
    expect(extensions.http.routePrefix).toBe('api');
    expect(extensions.queues).toMatchObject({
      batchSize: 16,
      maxDequeueCount: 5,
      maxPollingInterval: 2_000,
      visibilityTimeout: 0,
      messageEncoding: 'base64',
    });
  });

  test('gives its times in milliseconds', () => {
    const queues = { visibilityTimeout: '00:00:30', maxPollingInterval: '00:00:05' };
    const parsed = read({ version: '2.0', functionTimeout: '00:10:00', extensions: { queues } });
    expect(parsed.functionTimeout).toBe(600_000);
    expect(parsed.extensions.queues).toMatchObject({ visibilityTimeout: 30_000, maxPollingInterval: 5_000 });
    expect(read({ version: '2.0', functionTimeout: '-1' }).functionTimeout).toBeUndefined();
  });

  test.each([
    ['batchSize', 33],
    ['batchSize', 0],
    ['newBatchThreshold', -1],
    ['maxDequeueCount', 0],
    ['maxPollingInterval', '00:00:00.050'],
    ['visibilityTimeout', 'soon'],
    ['messageEncoding', 'utf8'],
  ])('with %s %j is refused by name', (setting, value) => {
    expect(() => read({ version: '2.0', extensions: { queues: { [setting]: value } } })).toThrow(setting);
  });
});
