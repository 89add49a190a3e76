import type { SoakResult } from './soak.ts';

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(1)} s`;

/** One row a figure, one column a soak. */
export function soakTable(results: readonly SoakResult[]): { head: string[]; rows: string[][] } {
  const columns = results.map(figuresOf);
  const names = columns[0]?.map(([name]) => name) ?? [];
  return {
    head: ['', ...results.map(({ plan }) => plan.name)],
    rows: names.map((name, index) => [name, ...columns.map((figures) => figures[index]?.[1] ?? '')]),
  };
}

function figuresOf(result: SoakResult): [name: string, figure: string][] {
  const { submissions, alerts, lost, contradicted, unknown, copies, calls, extraCalls } = result;
  const ofTheDead = extraCalls.ofTheDead + extraCalls.unexplained;
  return [
    ['submissions of alerts', `${submissions} of ${alerts}`],
    ['hosts killed', String(result.kills)],
    ['storage away for', seconds(result.storageRestartMs)],
    [
      'outcomes',
      Object.entries(result.outcomes)
        .map(([outcome, count]) => `${outcome}: ${count}`)
        .join(', '),
    ],
    ['without an outcome, with two, not submitted', `${lost}, ${contradicted}, ${unknown}`],
    ['with a wrong device', String(result.wrongDevices)],
    ['in the poison queue', String(result.poisoned)],
    ['rows (too many, missing)', `${result.rows} (${result.rowsTooMany}, ${result.rowsMissing})`],
    ['claims left', String(result.claimsLeft)],
    ['second messages: first sender died, unexplained', `${copies.ofTheDead}, ${copies.unexplained}`],
    ['calls', String(calls)],
    [
      'extra calls: answer spoiled, caller died, unexplained',
      `${extraCalls.spoiled}, ${extraCalls.ofTheDead}, ${extraCalls.unexplained}`,
    ],
    [
      'extra calls but for spoiled answers ÷ alerts',
      `${ofTheDead} / ${alerts} = ${percent(ofTheDead / alerts)}`,
    ],
    ['time', seconds(result.durationMs)],
  ];
}
