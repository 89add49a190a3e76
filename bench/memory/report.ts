import { fitLine } from '../support/regression.ts';
import type { MemoryResult } from './memory.ts';
import type { Sample } from './sample.ts';

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const signed = (value: number) => `${value > 0 ? '+' : ''}${value.toFixed(1)}`;

/** One column each for the process and for the heap in it. */
export function memoryTable({ plan, samples, elapsedMs }: MemoryResult): {
  head: string[];
  rows: string[][];
} {
  const counted = samples.filter(({ alerts }) => alerts > plan.warmUp);
  const columns = ['resident', 'heap'] as const;
  const slopes = columns.map((column) => slopeOf(counted, column));
  return {
    head: ['', 'resident size', 'heap in use'],
    rows: [
      ['alerts, of which warm-up', ...columns.map(() => `${plan.alerts}, ${plan.warmUp}`)],
      ['alerts per second', ...columns.map(() => ((plan.alerts / elapsedMs) * 1_000).toFixed(0))],
      ...quarters(samples).map((sample) => [
        `after ${sample.alerts} alerts`,
        ...columns.map((column) => mebibytes(sample[column])),
      ]),
      ['slope, bytes an alert', ...slopes.map(({ slope }) => signed(slope))],
      [
        '95 % range of the slope',
        ...slopes.map(({ slopeRange: { lowest, highest } }) => `${signed(lowest)} to ${signed(highest)}`),
      ],
      [
        'zero is in the range',
        ...slopes.map(({ slopeRange: { lowest, highest } }) => (lowest <= 0 && highest >= 0 ? 'yes' : 'no')),
      ],
    ],
  };
}

/** One sample at the end of each quarter. */
function quarters(samples: readonly Sample[]): Sample[] {
  return [1, 2, 3, 4].flatMap((quarter) => samples[Math.round((samples.length * quarter) / 4) - 1] ?? []);
}

function slopeOf(samples: readonly Sample[], column: 'resident' | 'heap') {
  return fitLine(samples.map((sample) => ({ x: sample.alerts, y: sample[column] })));
}
