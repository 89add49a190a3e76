import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../../dev/intake/main.ts', import.meta.url));

function intake(input: string, ...options: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...options, '-'], {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('says which alerts are in a message, and what was wrong with the rest', () => {
  const message = JSON.stringify({
    incidentId: 81,
    alerts: [{ alertId: 'da638812345678901234_-77120431', devices: [{ mdatpDeviceId: 'abc' }] }],
  });
  const { status, stdout } = intake(message, '--json');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    alerts: [{ alertId: 'da638812345678901234_-77120431', machineId: 'abc', correlationId: '81' }],
    rejected: [],
  });
  expect(intake(message).stdout).toMatch(/da638812345678901234_-77120431.*abc.*81/);
});

test('ends with 1 and says what to send when there is no alert', () => {
  const { status, stdout } = intake('{"id":"CVE-2031-0042","cvssV3":8.1}');
  expect(status).toBe(1);
  expect(stdout).toMatch(/not-an-alert/);
  expect(stdout).toMatch(/a vulnerability/);
});
