import { percentile } from '../support/statistics.ts';
import type { Cost } from './meter.ts';
import type { PathResult, PathRun } from './path.ts';

const perSecond = ({ alerts, elapsedMs }: Cost) => (alerts / elapsedMs) * 1_000;
const cpuPerAlert = ({ alerts, cpuMs }: Cost) => cpuMs / alerts;
const busy = ({ elapsedMs, cpuMs }: Cost) => cpuMs / elapsedMs;

/** One row a figure: the medians of the runs, and the app's as a part of the floor's. */
export function pathTable({ floor, app }: PathResult): { head: string[]; rows: string[][] } {
  const row = (name: string, figure: (run: PathRun) => number, show: (value: number) => string) => {
    const [ofFloor, ofApp] = [floor, app].map((runs) => percentile(runs.map(figure), 0.5)) as [
      number,
      number,
    ];
    return [name, show(ofFloor), show(ofApp), (ofApp / ofFloor).toFixed(2)];
  };
  return {
    head: ['', 'floor', 'app', 'app ÷ floor'],
    rows: [
      row('alerts per second', perSecond, (value) => value.toFixed(0)),
      row('processor time per alert', cpuPerAlert, (value) => `${value.toFixed(2)} ms`),
      // Far below 1, it is not the measured process that limits the speed, but the storage emulator.
      row('share of a processor in use', busy, (value) => value.toFixed(2)),
      row(
        'storage operations per alert',
        (run) => run.storageOperationsPerAlert,
        (value) => value.toFixed(2),
      ),
    ],
  };
}
