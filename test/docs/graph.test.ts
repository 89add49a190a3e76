import { expect, test } from 'vitest';
import { SOURCE_CHOICES } from '#shared/config/sourceSettings.ts';
import { MACHINE_FIELDS, type MachineField } from '#shared/sources/graph/machineFields.ts';
import { codeIn, listItems, readGuide, sectionOf } from './guide.ts';

const guide = readGuide('docs/graph.md');

test('the list of properties is the one that the code goes by', () => {
  const fields = Object.entries(MACHINE_FIELDS) as [string, MachineField][];
  expect(listItems(sectionOf(guide, 'Properties'))).toEqual(
    fields.map(([property, { evidence, hunting, loss }]) => [
      `\`${property}\``,
      ...(evidence === undefined ? [] : [`Evidence: \`${evidence}\``]),
      ...(hunting === undefined ? [] : [`Hunting: ${columnsIn(hunting)}`]),
      ...(loss === undefined ? [] : [`Note: ${loss}`]),
    ]),
  );
});

function columnsIn(hunting: string): string {
  return hunting
    .split(', ')
    .map((column) => `\`${column}\``)
    .join(', ');
}

test('the guide names every value of the setting', () => {
  const values = listItems(sectionOf(guide, 'Choose the source')).map(([value = '']) => codeIn(value)[0]);
  expect(values).toEqual([...SOURCE_CHOICES]);
});
