import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../infra/support/sources.ts';
import { codeIn, readGuide, tableRows } from './guide.ts';

const guide = readGuide('SECURITY.md');

/** What is wrong with the table of threats: claims without a test, and tests that do not exist. */
function threatProblems(text: string): string[] {
  return tableRows(text, 'What each can and cannot do').flatMap(([who = '', , , testedIn = '']) => {
    const tests = codeIn(testedIn);
    return tests.length === 0
      ? [`${who} is tested nowhere`]
      : tests.filter((path) => !isTest(path)).map((path) => `there is no test ${path}`);
  });
}

function isTest(path: string): boolean {
  return /^test\/.+\.test\.ts$/.test(path) && existsSync(join(projectRoot, path));
}

test('every claim about an attacker is tested somewhere', () => {
  expect(tableRows(guide, 'What each can and cannot do').length).toBeGreaterThan(10);
  expect(threatProblems(guide)).toEqual([]);
});

test('a test that was moved, and a claim without one, are found', () => {
  const moved = guide.replace('test/ops/check.test.ts', 'test/ops/checks.test.ts');
  expect(threatProblems(moved)).toEqual(['there is no test test/ops/checks.test.ts']);
  const untested = guide.replace(
    '`test/infra/workflows.test.ts`, `test/integration/packagedApp.test.ts`',
    '',
  );
  expect(threatProblems(untested)).toEqual(['a **dependency** or build step is tested nowhere']);
});
