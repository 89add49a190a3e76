import { pick, seededRandom } from '../random.ts';
import { createMachine } from './machine.ts';
import type { MachineRecord } from './machineRecord.ts';
import { type OddShape, oddShapeNames, withOddShape } from './oddShapes.ts';

/** The machines of the simulated tenant. */
export interface Fleet {
  readonly machines: readonly MachineRecord[];
  byId(id: string): MachineRecord | undefined;
  /** A machine whose DNS name is exactly this one, capitals aside. */
  byName(name: string): MachineRecord | undefined;
  /** A machine of this odd shape; undefined in a fleet too small to have it. */
  ofShape(shape: OddShape): MachineRecord | undefined;
}

const ODD_SHARE = 0.05;

/**
 * A fleet that depends on seed, size and reference time alone. The first machines are the odd shapes, one each;
 * after them come everyday machines with some odd ones among them.
 *
 * @param referenceTime the time (ms) that all times count back from
 */
export function createFleet(seed: string, size: number, referenceTime: number): Fleet {
  const machines = Array.from({ length: size }, (_, index) => {
    const random = seededRandom(seed, 'machine', index);
    const machine = createMachine(random, referenceTime);
    const shape = oddShapeNames[index] ?? (random() < ODD_SHARE ? pick(random, oddShapeNames) : undefined);
    return shape === undefined ? machine : withOddShape(machine, shape, random);
  });
  const ids = new Map(machines.map((machine) => [machine.id, machine]));
  const names = new Map(machines.map((machine) => [machine.computerDnsName?.toLowerCase(), machine]));
  return {
    machines,
    byId: (id) => ids.get(id),
    byName: (name) => (name === '' ? undefined : names.get(name.toLowerCase())),
    ofShape: (shape) => machines[oddShapeNames.indexOf(shape)],
  };
}
