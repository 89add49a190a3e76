import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readSettings, settingsCatalogue } from '#shared/config/settings.ts';
import { codeIn, tableRows } from '../../docs/guide.ts';

// After a change of the settings, `npx vitest run test/shared/config -u` writes the page and the sample anew.
const readme = fileURLToPath(new URL('../../../README.md', import.meta.url));
const page = fileURLToPath(new URL('../../../docs/settings.md', import.meta.url));
const sample = fileURLToPath(new URL('../../../local.settings.sample.json', import.meta.url));

const START = '<!-- settings:start -->';
const END = '<!-- settings:end -->';

/** What the Functions host itself needs to run the app on a developer's machine. */
const hostSettings = { FUNCTIONS_WORKER_RUNTIME: 'node', AzureWebJobsStorage: 'UseDevelopmentStorage=true' };

describe('the documentation of the settings', () => {
  test('lists every setting in docs/settings.md, with its default, its meaning and what is allowed', async () => {
    const text = readFileSync(page, 'utf8');
    const [before, afterStart, ...more] = text.split(START);
    const [, after, ...evenMore] = afterStart?.split(END) ?? [];
    expect([more, evenMore], 'the page has each marker once').toEqual([[], []]);

    const generated = `${before}${START}\n${settingsList()}\n${END}${after}`;

    await expect(generated).toMatchFileSnapshot(page);
  });

  test('names settings in the README that there are, with their defaults', () => {
    const named = tableRows(readFileSync(readme, 'utf8'), 'Settings').map(([name = '', value = '']) => [
      ...codeIn(name),
      ...codeIn(value),
    ]);

    expect(named).toHaveLength(10);
    expect(named).toEqual(
      named.map(([name = '']) => [name, settingsCatalogue.get(name)?.default ?? []].flat()),
    );
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

/** A heading for each setting, so that it has an address and reads well on a narrow screen. */
function settingsList(): string {
  const sections = [...settingsCatalogue].map(([name, notes]) => [
    `## ${name}`,
    notes.what,
    [
      `- Default: ${notes.default === undefined ? 'none' : `\`${notes.default}\``}`,
      `- Allowed: ${notes.allowed}`,
    ].join('\n'),
  ]);
  return sections.flat().join('\n\n');
}
