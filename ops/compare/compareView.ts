import { styleText } from 'node:util';
import { columns, printable, shortened } from '#shared/text.ts';
import type { Change, ComparedProperty, Comparison } from './compare.ts';

const COLOURS: Record<Change, Parameters<typeof styleText>[0]> = {
  same: 'green',
  new: 'cyan',
  differs: 'yellow',
  'becomes null': 'red',
};
const LONGEST_VALUE = 44;

/** The comparison of one alert: the properties that change first, then a line about all that stay. */
export function comparisonLines({ alertId, answers, properties }: Comparison): string[] {
  const heading = styleText('bold', printable(alertId));
  if (properties === undefined) {
    const said = Object.entries(answers).map(
      ([name, { kind, detail }]) =>
        `  ${name}: ${kind}${detail === undefined ? '' : `, ${printable(detail)}`}`,
    );
    return [heading, ...said, ''];
  }
  const changed = properties.filter(({ change }) => change !== 'same');
  const same = properties.filter(({ change }) => change === 'same').map(({ property }) => property);
  const table = columns([['PROPERTY', 'DEFENDER', 'GRAPH', 'WITH GRAPH IT'], ...changed.map(row)]);
  return [heading, ...(changed.length === 0 ? [] : table), `The same: ${same.join(', ')}`, ''];
}

function row({ property, change, unavailable, defender, graph }: ComparedProperty): string[] {
  const why = unavailable ? ' (Graph cannot know it)' : '';
  const word = change === 'new' ? 'is new' : change;
  return [property, textOf(defender), textOf(graph), styleText(COLOURS[change], word) + why];
}

function textOf(value: unknown): string {
  if (value === null) {
    return '';
  }
  return shortened(printable(typeof value === 'string' ? value : JSON.stringify(value)), LONGEST_VALUE);
}
