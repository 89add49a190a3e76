import { type SoakPlan, type SoakResult, soakGates } from './simulation.ts';

/** Twenty minutes at Defender's own limits: bursts, idle times, and 429s that no limit explains. */
const PLAN: Omit<SoakPlan, 'seed' | 'processes'> = {
  limits: [
    { calls: 100, windowMs: 60_000 },
    { calls: 1_500, windowMs: 3_600_000 },
  ],
  virtualMs: 20 * 60_000,
  inProcessWaitMs: 20_000,
  burst: { alerts: 60, everyMs: 90_000 },
  unjust429s: 0.01,
};
const SEEDS = [1, 2, 3, 4, 5];

export interface Soak {
  processes: number;
  result: SoakResult;
}

/** One soak for each number of processes, each the worst of several seeds. */
export async function soakAll(onProgress: (text: string) => void): Promise<Soak[]> {
  const soaks: Soak[] = [];
  for (const processes of [1, 2, 4]) {
    const results: SoakResult[] = [];
    for (const seed of SEEDS) {
      onProgress(`${processes} processes, seed ${seed}`);
      results.push(await soakGates({ ...PLAN, processes, seed }));
    }
    soaks.push({ processes, result: results.reduce(worst) });
  }
  return soaks;
}

/** Counts are added up, and of times the longest is kept. */
function worst(left: SoakResult, right: SoakResult): SoakResult {
  return {
    alerts: left.alerts + right.alerts,
    answered: left.answered + right.answered,
    calls: left.calls + right.calls,
    deserved429s: left.deserved429s + right.deserved429s,
    unjust429s: left.unjust429s + right.unjust429s,
    longestSilenceMs: {
      process: Math.max(left.longestSilenceMs.process, right.longestSilenceMs.process),
      everybody: Math.max(left.longestSilenceMs.everybody, right.longestSilenceMs.everybody),
    },
    longestWaitMs: Math.max(left.longestWaitMs, right.longestWaitMs),
    ledgerWrites: left.ledgerWrites + right.ledgerWrites,
    drainMs: Math.max(left.drainMs, right.drainMs),
  };
}

/** One row a figure, one column a number of processes. */
export function soakTable(soaks: readonly Soak[]): { head: string[]; rows: string[][] } {
  const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(1)} s`;
  const figures: [string, (result: SoakResult) => string][] = [
    ['alerts, answered', ({ alerts, answered }) => `${alerts}, ${answered}`],
    ['calls', ({ calls }) => String(calls)],
    ['429s by a limit', ({ deserved429s }) => String(deserved429s)],
    ['429s at random', ({ unjust429s }) => String(unjust429s)],
    [
      'longest silence of a process with a free slot',
      ({ longestSilenceMs }) => seconds(longestSilenceMs.process),
    ],
    [
      'longest silence of all with a free slot',
      ({ longestSilenceMs }) => seconds(longestSilenceMs.everybody),
    ],
    ['longest wait of a caller in a process', ({ longestWaitMs }) => seconds(longestWaitMs)],
    ['ledger writes ÷ calls', ({ ledgerWrites, calls }) => (ledgerWrites / Math.max(1, calls)).toFixed(2)],
    ['last answer after the last arrival', ({ drainMs }) => seconds(drainMs)],
  ];
  return {
    head: ['', ...soaks.map(({ processes }) => `${processes} process${processes === 1 ? '' : 'es'}`)],
    rows: figures.map(([name, show]) => [name, ...soaks.map(({ result }) => show(result))]),
  };
}
