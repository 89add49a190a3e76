import type { SoakResult } from './soak.ts';

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
const seconds = (milliseconds: number) => `${(milliseconds / 1_000).toFixed(1)} s`;

/** One row a figure. */
export function soakTable(result: SoakResult): { head: string[]; rows: string[][] } {
  const { submissions, alerts, lost, contradicted, unknown, copies, calls, extraCalls } = result;
  const ofTheDead = extraCalls.ofTheDead + extraCalls.unexplained;
  return {
    head: ['', 'soak'],
    rows: [
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
    ],
  };
}
