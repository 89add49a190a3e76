import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { breaksOf } from '#dev/schema/compatibility.ts';
import { contracts } from '#dev/schema/contracts.ts';
import { currentFile, readReleased, releasedVersions, schemaText } from '#dev/schema/schemaFiles.ts';

describe.each(contracts)('the contract $name', (contract) => {
  test('is published as the program has it (else run "npm run schema")', () => {
    expect(readFileSync(currentFile(contract), 'utf8')).toBe(schemaText(contract));
  });

  test('breaks nobody who relies on its version (else raise the version)', () => {
    const released = readReleased(contract) ?? contract.schema;
    expect(breaksOf(contract.audience, released, contract.schema)).toEqual([]);
  });

  test('has a version no older than any that was released', () => {
    const released = releasedVersions(contract);
    expect(released).not.toEqual([]);
    const { compare } = new Intl.Collator('en', { numeric: true });
    expect([...released, contract.version].toSorted(compare).at(-1)).toBe(contract.version);
  });

  test('describes each of its properties', () => {
    expect(undescribed(contract.schema, '')).toEqual([]);
  });
});

/** Paths of properties that say nothing about themselves; a reference is described where it leads. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) {
    return [];
  }
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (keyword !== 'properties') {
      return undescribed(value, path);
    }
    return Object.entries(value as Record<string, Record<string, unknown>>).flatMap(([name, property]) => {
      const here = `${path}/${name}`;
      const silent = property.description === undefined && property.$ref === undefined;
      return [...(silent ? [here] : []), ...undescribed(property, here)];
    });
  });
}
