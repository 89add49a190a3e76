import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Columns, checkQuery } from '../support/kql.ts';
import { projectRoot } from './support/sources.ts';

/** Tables of a Log Analytics workspace with Application Insights, as far as they are queried. */
const tables: Record<string, Columns> = {
  // https://learn.microsoft.com/azure/azure-monitor/reference/tables/apptraces
  AppTraces: {
    TimeGenerated: 'datetime',
    Message: 'string',
    SeverityLevel: 'int',
    OperationName: 'string',
    Properties: 'dynamic',
  },
  // https://learn.microsoft.com/azure/azure-monitor/reference/tables/appexceptions
  AppExceptions: {
    TimeGenerated: 'datetime',
    SeverityLevel: 'int',
    OperationName: 'string',
    Properties: 'dynamic',
  },
  // https://learn.microsoft.com/azure/azure-monitor/reference/tables/apprequests
  AppRequests: { TimeGenerated: 'datetime', Name: 'string', Success: 'bool', DurationMs: 'real' },
};

const queries = globSync('infra/queries/**/*.kql', { cwd: projectRoot }).map((path): [string, string] => [
  path,
  readFileSync(join(projectRoot, path), 'utf8'),
]);

test('there are queries for the alert rules and for the workbook', () => {
  expect(queries.length).toBeGreaterThan(15);
});

test.each(queries)("%s is right for Microsoft's parser", (_path, query) => {
  expect(checkQuery(query, tables).problems).toEqual([]);
});

test.each(queries)('%s is found out when it is broken', (_path, query) => {
  expect(
    checkQuery(query.replaceAll('TimeGenerated', 'TimeGenerate').replaceAll('Message', 'Massage'), tables)
      .problems,
  ).not.toEqual([]);
  expect(checkQuery(query.replace(/\| (where|extend|summarize)/, '| $1x'), tables).problems).not.toEqual([]);
});
