import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const guides = ['README.md', 'SECURITY.md', ...globSync('{docs,examples,playbooks}/**/*.md', { cwd: root })];

/** The links of a guide to other files of the project and to headings, as written; not those in code. */
function linksIn(guide: string): string[] {
  const prose = readFileSync(join(root, guide), 'utf8').replaceAll(/^```[\s\S]*?^```|`[^`\n]*`/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) =>
    /^[a-z]+:/.test(link) ? [] : [link],
  );
}

/** The anchors of the headings, as GitHub makes them. */
function anchorsIn(path: string): string[] {
  const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each(guides)('every link of %s leads somewhere', (guide) => {
  const broken = linksIn(guide).filter((link) => {
    const [file = '', anchor] = link.split('#');
    const path = normalize(join(root, file === '' ? guide : join(dirname(guide), file)));
    return !existsSync(path) || (anchor !== undefined && !anchorsIn(path).includes(anchor));
  });
  expect(broken).toEqual([]);
});
