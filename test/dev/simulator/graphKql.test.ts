import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KqlError, parseQuery } from '#dev/simulator/graph/kql.ts';

const namesOf = (query: string) => parseQuery(query).columns?.map(({ name }) => name);

test('The IDs are the literals of the datatable, each once, whatever stands in comments and other text', () => {
  const { ids, names } = parseQuery(`
    // let Wanted = datatable(RequestId:string)["in a comment"];
    let Wanted = datatable(RequestId:string)[
      "a_1", 'b_2', // "c_3",
      @"d_4", "a_1" ];
    AlertEvidence | where Title matches regex @"^DeviceInfo[" and Other == "x; | y" | where AlertId in (Wanted)`);
  expect(ids).toEqual(['a_1', 'b_2', 'd_4']);
  expect(names.has('AlertEvidence')).toBe(true);
  expect(names.has('DeviceInfo')).toBe(false);
});

test('Every list of alert IDs is read back', () => {
  const alertId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);
  fc.assert(
    fc.property(fc.uniqueArray(alertId), (ids) => {
      const literals = ids.map((id) => `"${id}"`).join(',\n');
      expect(parseQuery(`let W = datatable(RequestId:string)[${literals}]; W | take 5`).ids).toEqual(ids);
    }),
  );
});

test.for([
  ['T | project A, B = tostring(C), D', ['A', 'B', 'D']],
  ['T | project A | extend B = iff(A == "x, y", 1, 2), A = tolower(A)', ['B', 'A']],
  ['T | project A, B | project-away B', ['A']],
  ['T | project A, B | project-rename Z = B', ['A', 'Z']],
  ['T | distinct A, B | order by A asc | take 10', ['A', 'B']],
  ['let X = T | project A; X | project B;', ['B']],
  ['T | project A | lookup kind=leftouter (U | project A, B) on A', undefined],
  ['T | project A | summarize count() by A', undefined],
  ['T | where A == 1 | extend B = 2', undefined],
] as const)('The columns at the end of %s', ([query, columns]) => {
  expect(namesOf(query)).toEqual(columns);
});

test.for([
  ['', 'Unexpected end'],
  ['// only a comment', 'Unexpected end'],
  ['T | where (A == 1', 'Unexpected end'],
  ['T | where A == 1)', "Unexpected ')'"],
  ['T | where A in (dynamic([1)]', "Unexpected ')'"],
  ['T | project 1', 'names no column'],
])('%o is no query', ([query, message]) => {
  expect(() => parseQuery(query as string)).toThrow(KqlError);
  expect(() => parseQuery(query as string)).toThrow(message as string);
});
