import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { METRICS } from '#shared/opentelemetry/metrics.ts';
import { SPANS } from '#shared/telemetry/telemetry.ts';

// After a change of spans or metrics, `npx vitest run test/docs/telemetry.test.ts -u` writes the page anew.
const page = fileURLToPath(new URL('../../docs/telemetry.md', import.meta.url));

const code = (text: string) => `\`${text}\``;

const spans = Object.values(SPANS)
  .map(({ name, kind, what }) => `- ${code(name)} (${kind}): ${what}.`)
  .join('\n');
const metrics = Object.entries(METRICS)
  .flatMap(([name, { kind, unit, what, by }]) => [
    `- ${code(name)} (${kind}, ${code(unit)}): ${what}.`,
    ...(by.length > 0 ? [`  - By: ${by.map(code).join(', ')}`] : []),
  ])
  .join('\n');

test('docs/telemetry.md lists every span and every metric', async () => {
  const generated = readFileSync(page, 'utf8')
    .replace(/(<!-- spans:start -->\n)[\s\S]*(<!-- spans:end -->)/, `$1${spans}\n$2`)
    .replace(/(<!-- metrics:start -->\n)[\s\S]*(<!-- metrics:end -->)/, `$1${metrics}\n$2`);
  expect(generated).toContain(spans);
  expect(generated).toContain(metrics);
  await expect(generated).toMatchFileSnapshot(page);
});
