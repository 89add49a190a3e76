import { expect, test } from 'vitest';
import { sourceChoices } from '#shared/config/sourceSettings.ts';
import { MACHINE_FIELDS, type MachineField } from '#shared/sources/graph/machineFields.ts';
import { codeIn, readGuide, tableRows } from './guide.ts';

const guide = readGuide('docs/graph.md');

test('the table of properties is the one that the code goes by', () => {
  const fields = Object.entries(MACHINE_FIELDS) as [string, MachineField][];
  expect(tableRows(guide, 'Properties')).toEqual(
    fields.map(([property, { evidence = '', hunting = '', loss = '' }]) => [
      `\`${property}\``,
      evidence && `\`${evidence}\``,
      hunting === '' ? '' : columnsIn(hunting),
      loss,
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
  const values = tableRows(guide, 'Microsoft Graph as the source').map(([value = '']) => codeIn(value)[0]);
  expect(values).toEqual([...sourceChoices]);
});
