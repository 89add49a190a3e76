import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../infra/support/sources.ts';
import { codeIn, labelled, listItems, partsOf, readGuide, sectionOf } from './guide.ts';

const guide = readGuide('SECURITY.md');

/** What is wrong with the threats: what they can or cannot do is not said, or is not tested. */
function threatProblems(text: string): string[] {
  return threats(text).flatMap(([who, entry]) => {
    const lines = listItems(entry).map(([line = '', ...below]) => [line, ...below].join(' '));
    const unsaid = ['Can', 'Cannot'].filter((label) => labelled(lines, label).join('') === '');
    const tests = labelled(lines, 'Tested in').flatMap(codeIn);
    return [
      ...unsaid.map((label) => `${who} has no "${label}"`),
      ...(tests.length === 0 ? [`${who} is tested nowhere`] : []),
      ...tests.filter((path) => !isTest(path)).map((path) => `there is no test ${path}`),
    ];
  });
}

function threats(text: string): [who: string, entry: string][] {
  return partsOf(sectionOf(text, 'What each can and cannot do'));
}

function isTest(path: string): boolean {
  return /^test\/.+\.test\.ts$/.test(path) && existsSync(join(projectRoot, path));
}

test('every claim about an attacker is tested somewhere', () => {
  expect(threats(guide).length).toBeGreaterThan(10);
  expect(threatProblems(guide)).toEqual([]);
});

test('a test that was moved, and a claim without one, are found', () => {
  const moved = guide.replace('test/ops/check.test.ts', 'test/ops/checks.test.ts');
  expect(threatProblems(moved)).toEqual(['there is no test test/ops/checks.test.ts']);
  const untested = guide.replace(
    '`test/infra/workflows.test.ts`, `test/integration/packagedApp.test.ts`',
    '',
  );
  expect(threatProblems(untested)).toEqual(['A dependency or build step is tested nowhere']);
  const unsaid = guide.replace('- Can: see that the app is alive', '- It sees that the app is alive');
  expect(threatProblems(unsaid)).toEqual(['An HTTP caller without key or token has no "Can"']);
});
