import { expect, test } from 'vitest';
import { parseListQuery, QueryError } from '#dev/simulator/odata.ts';

const FIELDS = ['id', 'severity', 'lastUpdateTime'];

function filter(text: string, row: Record<string, unknown>): boolean {
  return parseListQuery(new URLSearchParams({ $filter: text }), FIELDS).matches(row);
}

test('A filter compares texts, with either kind of quotes and doubled quotes inside', () => {
  expect(filter("severity eq 'High'", { severity: 'High' })).toBe(true);
  expect(filter('severity eq "High"', { severity: 'Low' })).toBe(false);
  expect(filter("id eq 'it''s'", { id: "it's" })).toBe(true);
  expect(filter("id eq 'a and b'", { id: 'a and b' })).toBe(true);
});

test('A filter compares times to the last 100 ns, however many digits either side writes', () => {
  const row = { lastUpdateTime: '2026-11-01T10:00:00.1234567Z' };
  expect(filter('lastUpdateTime ge 2026-11-01T10:00:00.1234567Z', row)).toBe(true);
  expect(filter('lastUpdateTime gt 2026-11-01T10:00:00.1234567Z', row)).toBe(false);
  expect(filter('lastUpdateTime gt 2026-11-01T10:00:00.1234566Z', row)).toBe(true);
  expect(filter('lastUpdateTime ge 2026-11-01T10:00:00.123Z', row)).toBe(true);
  expect(filter('lastUpdateTime lt 2026-11-01T10:00:00Z', row)).toBe(false);
  expect(filter('lastUpdateTime ge 2026-11-01T10:00Z', row)).toBe(true);
});

test('Conditions are joined with and', () => {
  const text = "lastUpdateTime ge 2026-11-01T10:00:00Z and severity eq 'High' and id in ('a',\"b\")";
  const row = { lastUpdateTime: '2026-11-01T10:00:00Z', severity: 'High', id: 'b' };
  expect(filter(text, row)).toBe(true);
  expect(filter(text, { ...row, id: 'c' })).toBe(false);
  expect(filter(text, { ...row, severity: 'Low' })).toBe(false);
});

test('A record without the property passes no comparison', () => {
  expect(filter("severity ne 'High'", { severity: null })).toBe(false);
  expect(filter("severity eq ''", {})).toBe(false);
});

test.for([
  { $filter: "severity eq 'High' or severity eq 'Low'" },
  { $filter: "severity eq 'High' and" },
  { $filter: 'severity eq' },
  { $filter: "severity has 'High'" },
  { $filter: "secret eq 'x'" },
  { $filter: "id in ('a'" },
  { $orderby: 'secret' },
  { $orderby: 'severity sideways' },
  { $top: '-1' },
  { $top: '10001' },
  { $skip: 'many' },
])('A query that the service would refuse is refused: %o', (query) => {
  expect(() => parseListQuery(new URLSearchParams(query as Record<string, string>), FIELDS)).toThrow(
    QueryError,
  );
});
