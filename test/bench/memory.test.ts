import { expect, test } from 'vitest';
import { memoryTable } from '#bench/memory/report.ts';
import { sampleIn } from '#bench/memory/sample.ts';

const MEBIBYTE = 2 ** 20;
const plan = { alerts: 40_000, sampleEvery: 1_000, warmUp: 20_000 };

function tableOf(heapAfter: (alerts: number, index: number) => number) {
  const samples = Array.from({ length: 40 }, (_, index) => {
    const alerts = (index + 1) * 1_000;
    return { alerts, resident: 100 * MEBIBYTE, heap: heapAfter(alerts, index) };
  });
  const { rows } = memoryTable({ plan, samples, elapsedMs: 100_000 });
  return new Map(rows.map(([name = '', resident, heap]) => [name, { resident, heap }]));
}

test('what only scatters after the warm-up has a slope that may be zero', () => {
  const table = tableOf((alerts, index) => {
    const warmingUp = Math.min(alerts, 20_000) * 500;
    return 30 * MEBIBYTE + warmingUp + (index % 2) * MEBIBYTE;
  });
  expect(table.get('zero is in the range')?.heap).toBe('yes');
  expect(table.get('slope, bytes an alert')?.resident).toBe('0.0');
  expect(table.get('after 40000 alerts')?.resident).toBe('100.0 MiB');
  expect(table.get('alerts per second')?.heap).toBe('400');
});

test('a leak of 100 bytes an alert shows', () => {
  const table = tableOf((alerts, index) => 30 * MEBIBYTE + alerts * 100 + (index % 2) * 100_000);
  expect(table.get('zero is in the range')?.heap).toBe('no');
  expect(Number(table.get('slope, bytes an alert')?.heap)).toBeCloseTo(100, -1);
});

test('a sample is found among the lines of the app', () => {
  const sample = { alerts: 500, resident: 1, heap: 2 };
  expect(sampleIn(JSON.stringify(sample))).toEqual(sample);
  expect(sampleIn('2026-11-23T15:00:00.000Z information enrichAlert: {"event":"quota"}')).toBeUndefined();
});
