import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readSettings, settingsCatalogue } from '#shared/config/settings.ts';

// After a change of the settings, `npx vitest run test/shared/config -u` writes both files anew.
const readme = fileURLToPath(new URL('../../../README.md', import.meta.url));
const sample = fileURLToPath(new URL('../../../local.settings.sample.json', import.meta.url));

const START = '<!-- settings:start -->';
const END = '<!-- settings:end -->';

/** What the Functions host itself needs to run the app on a developer's machine. */
const hostSettings = { FUNCTIONS_WORKER_RUNTIME: 'node', AzureWebJobsStorage: 'UseDevelopmentStorage=true' };

describe('the documentation of the settings', () => {
  test('lists every setting in the README, with its default, its meaning and what is allowed', async () => {
    const text = readFileSync(readme, 'utf8');
    const [before, afterStart, ...more] = text.split(START);
    const [, after, ...evenMore] = afterStart?.split(END) ?? [];
    expect([more, evenMore], 'the README has each marker of the table once').toEqual([[], []]);

    const generated = `${before}${START}\n${settingsTable()}\n${END}${after}`;

    await expect(generated).toMatchFileSnapshot(readme);
  });

  test('gives every setting a value for a local run in the sample', async () => {
    const values = Object.fromEntries(
      [...settingsCatalogue].map(([name, notes]) => [name, notes.local ?? notes.default ?? '']),
    );
    const generated = { IsEncrypted: false, Values: { ...hostSettings, ...values } };

    await expect(`${JSON.stringify(generated, null, 2)}\n`).toMatchFileSnapshot(sample);
  });

  test('has a sample that works as it is', () => {
    const { Values } = JSON.parse(readFileSync(sample, 'utf8'));

    const settings = readSettings(Values);

    expect(settings.development).toBe(true);
    expect(settings.storage).toEqual({
      kind: 'connectionString',
      connectionString: 'UseDevelopmentStorage=true',
    });
  });

  test('names defaults that are what counts when nothing is set', () => {
    const defaults = Object.fromEntries([...settingsCatalogue].map(([name, notes]) => [name, notes.default]));
    const AlertsStorage = 'UseDevelopmentStorage=true';

    const { given: _, ...written } = readSettings({ ...defaults, AlertsStorage });
    expect(readSettings({ AlertsStorage })).toMatchObject(written);
  });
});

/** The table as the formatter of the repository leaves it, with columns in line. */
function settingsTable(): string {
  const rows = [
    ['setting', 'default', 'what it is', 'allowed'],
    ...[...settingsCatalogue].map(([name, notes]) => [
      `\`${name}\``,
      notes.default === undefined ? '' : `\`${notes.default}\``,
      notes.what,
      notes.allowed,
    ]),
  ].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const [head, ...body] = rows.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  return [head, rule, ...body].map((cells) => `| ${cells?.join(' | ')} |`).join('\n');
}
