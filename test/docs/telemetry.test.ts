import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { METRICS } from '#shared/opentelemetry/metrics.ts';
import { SPANS } from '#shared/telemetry/telemetry.ts';

// After a change of spans or metrics, `npx vitest run test/docs/telemetry.test.ts -u` writes the page anew.
const page = fileURLToPath(new URL('../../docs/telemetry.md', import.meta.url));

const table = (head: string[], rows: string[][]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const code = (text: string) => `\`${text}\``;

const spans = table(
  ['span', 'kind', 'what it is'],
  Object.values(SPANS).map(({ name, kind, what }) => [code(name), kind, what]),
);
const metrics = table(
  ['metric', 'kind, unit', 'what it tells', 'by'],
  Object.entries(METRICS).map(([name, { kind, unit, what, by }]) => [
    code(name),
    `${kind}, ${code(unit)}`,
    what,
    by.map(code).join(', '),
  ]),
);

test('docs/telemetry.md lists every span and every metric', async () => {
  const generated = readFileSync(page, 'utf8')
    .replace(/(<!-- spans:start -->\n)[\s\S]*(<!-- spans:end -->)/, `$1${spans}\n$2`)
    .replace(/(<!-- metrics:start -->\n)[\s\S]*(<!-- metrics:end -->)/, `$1${metrics}\n$2`);
  expect(generated).toContain(spans);
  expect(generated).toContain(metrics);
  await expect(generated).toMatchFileSnapshot(page);
});
