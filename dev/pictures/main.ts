/**
 * Command line of `npm run pictures`: makes the pictures of README.md anew, as a browser shows them. Needs Chromium, at
 * the path in `CHROMIUM` or as `chromium`.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { commentPage, type Scheme } from './commentPage.ts';
import { terminalPage } from './terminalPage.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'enrichment-pictures-'));

try {
  const output = await demoOutput();
  for (const [name, titles] of [
    ['terminal.webp', undefined],
    ['terminal-narrow.webp', ['Outcome', 'Device', 'Risk', 'Came as']],
  ] as [string, string[] | undefined][]) {
    const { html, width, height } = terminalPage(output, titles);
    await picture(name, html, { width, height, scale: titles === undefined ? 1.5 : 2 });
  }
  for (const [scheme, name] of [
    ['light', 'comment.webp'],
    ['dark', 'comment-dark.webp'],
  ] as [Scheme, string][]) {
    await picture(name, commentPage(scheme), { width: 560, height: 450, scale: 2 });
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** What `npm start -- --once` prints where colors are shown. */
async function demoOutput(): Promise<string> {
  const stackFile = join(folder, 'stack.json');
  const { stdout } = await run(process.execPath, ['dev/demo/start.ts', '--once', '--stack-file', stackFile], {
    cwd: root,
    env: { ...process.env, FORCE_COLOR: '1' },
    timeout: 120_000,
  });
  return stdout;
}

async function picture(
  name: string,
  html: string,
  { width, height, scale }: { width: number; height: number; scale: number },
): Promise<void> {
  const page = join(folder, `${name}.html`);
  writeFileSync(page, html);
  await run(
    process.env.CHROMIUM ?? 'chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      `--user-data-dir=${join(folder, 'profile')}`,
      `--window-size=${width},${height}`,
      `--force-device-scale-factor=${scale}`,
      `--screenshot=${join(root, 'docs/pictures', name)}`,
      page,
    ],
    { timeout: 60_000 },
  );
}
