import { createFleet } from '#dev/simulator/fleet/fleet.ts';
import { FORMATS } from '#shared/config/outputSettings.ts';
import { type Machine, machineSchema } from '#shared/device/machine.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import { project } from '#shared/projections/projections.ts';

/** How fast one kind of work went: machines per second, round by round. */
export interface Speed {
  name: string;
  perSecond: number[];
}

export interface NormalizePlan {
  machines: number;
  /** Counted rounds, each over all machines. */
  rounds: number;
  /** Rounds before those. */
  warmUp: number;
}

export const plan: NormalizePlan = { machines: 2_000, rounds: 9, warmUp: 5 };

/** Does each kind of work in turn, so that a busy moment of the machine falls on all alike. The first is the floor. */
export function measureNormalize({ machines: size, rounds, warmUp }: NormalizePlan): Speed[] {
  const at = new Date();
  const texts = createFleet('1', size, at.getTime()).machines.map((machine) => JSON.stringify(machine));
  const records = texts.map((text) => ({ text, machine: machineSchema.parse(JSON.parse(text)) }));
  const works: [name: string, work: (record: { text: string; machine: Machine }) => unknown][] = [
    ['floor: JSON.parse and JSON.stringify', ({ text }) => JSON.stringify(JSON.parse(text))],
    ['the device', ({ machine }) => normalizeMachine(machine, at)],
    [
      'the device and all four projections',
      ({ machine }) => project(normalizeMachine(machine, at), FORMATS, at),
    ],
  ];
  const speeds = works.map(([name]): Speed => ({ name, perSecond: [] }));
  for (let round = 0; round < warmUp + rounds; round += 1) {
    works.forEach(([, work], index) => {
      const startedAt = performance.now();
      for (const record of records) {
        work(record);
      }
      const perSecond = (size / (performance.now() - startedAt)) * 1_000;
      if (round >= warmUp) {
        speeds[index]?.perSecond.push(perSecond);
      }
    });
  }
  return speeds;
}
