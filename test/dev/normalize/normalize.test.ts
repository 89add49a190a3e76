import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { deviceSchema } from '#shared/device/device.ts';

const program = fileURLToPath(new URL('../../../dev/normalize/main.ts', import.meta.url));
const fixtures = fileURLToPath(new URL('../../fixtures/machines/', import.meta.url));

function normalize(input: string, ...options: string[]) {
  const run = spawnSync(process.execPath, [program, ...options], { input, encoding: 'utf8' });
  return { exitCode: run.status, output: run.stdout, errors: run.stderr };
}

function ids(output: string): string[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).device.id);
}

test('a machine in a file becomes a device and its projections', () => {
  const { exitCode, output, errors } = normalize('', `${fixtures}merged.json`);
  expect([exitCode, errors]).toEqual([0, '']);
  const { device, ...projections } = JSON.parse(output);
  expect(deviceSchema.parse(device)).toMatchObject({ computerDnsName: 'desk-old', merged: true });
  expect(Object.keys(projections)).toEqual(['ocsf', 'ecs', 'asim', 'sentinel']);
});

test('machines of every family come from an array and from NDJSON alike, one line each', () => {
  const machines = readdirSync(fixtures).map((file) => JSON.parse(readFileSync(fixtures + file, 'utf8')));
  const array = normalize(`\uFEFF${JSON.stringify(machines, null, 2)}`, '--ndjson', '-');
  const lines = normalize(machines.map((one) => `${JSON.stringify(one)}\r\n`).join('\n'), '--ndjson', '-');
  for (const { exitCode, output, errors } of [array, lines]) {
    expect([exitCode, errors]).toEqual([0, '']);
    expect(ids(output)).toEqual(machines.map(({ id }) => id.trim()));
  }
});

test('what is no machine is named, and the rest printed all the same', () => {
  const array = normalize('[{"id":"a"},{"name":"x"},7,{"id":"b"}]', '--ndjson', '-');
  expect(array.exitCode).toBe(1);
  expect(ids(array.output)).toEqual(['a', 'b']);
  expect(array.errors).toBe(
    'Item 1 of the array: expected one machine with an "id", got an object without "id"\n' +
      'Item 2 of the array: expected one machine with an "id", got a number\n',
  );

  const lines = normalize('{"id":"a"}\n{"id":\n{"id":"b"}', '--ndjson', '-');
  expect(lines.exitCode).toBe(1);
  expect(ids(lines.output)).toEqual(['a', 'b']);
  expect(lines.errors).toMatch(/^Line 2: is not JSON: .*\n$/);
});

test.each([
  ['', /^The input: is empty; expected a machine as JSON\n$/],
  ['{\n"id": "a",\n', /^The input: is not JSON: /],
  ['{"error":{"code":"Unauthorized","message":"no"}}', /got an error: Unauthorized, no\n$/],
])('the input %j ends with 1 and says why', (input, message) => {
  const { exitCode, output, errors } = normalize(input, '-');
  expect([exitCode, output]).toEqual([1, '']);
  expect(errors).toMatch(message);
});

test('a file that is not there ends with 1 and says so', () => {
  const { exitCode, errors } = normalize('', 'no-such-file.json');
  expect(exitCode).toBe(1);
  expect(errors).toMatch(/^The file cannot be read: ENOENT/);
});
