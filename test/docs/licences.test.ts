import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';

/** Licences that let anybody use, change and pass on, with no duty but to keep the notice. */
const PERMISSIVE = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'CC0-1.0',
  'BlueOak-1.0.0',
];

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      license: z.string().optional(),
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      link: z.boolean().optional(),
    }),
  ),
});

/** What the deployed package may hold, with the licence each names. */
function productionLicences(): [string, string][] {
  const { packages } = lockSchema.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));
  return Object.entries(packages)
    .filter(
      ([path, { dev, devOptional, link }]) =>
        path.startsWith('node_modules/') && !(dev || devOptional || link),
    )
    .map(([path, { license }]) => [
      path.slice(path.lastIndexOf('node_modules/') + 13),
      license ?? 'none named',
    ]);
}

/** One licence, or a choice of several of which one is enough. */
function isPermissive(licence: string): boolean {
  return licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((one) => PERMISSIVE.includes(one));
}

test('every library that is deployed has a permissive licence', () => {
  const licences = productionLicences();
  expect(licences.map(([name]) => name)).toContain('got');
  expect(licences.filter(([, licence]) => !isPermissive(licence))).toEqual([]);
});

test('a licence with duties for users would be found out', () => {
  expect(
    ['GPL-3.0-only', 'none named', 'SEE LICENSE IN LICENSE', '(MIT OR GPL-2.0)'].map(isPermissive),
  ).toEqual([false, false, false, true]);
});
