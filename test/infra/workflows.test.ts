import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pinsOf, repositoryHere, workflowProblems } from './workflowRules.ts';

const CI = '.github/workflows/ci.yml';
const CODEQL = '.github/workflows/codeql.yml';
const RELEASE = '.github/workflows/release.yml';
const EXAMPLE = 'examples/github-workflow/deploy.yml';
const files = [...globSync('.github/workflows/*.{yml,yaml}'), EXAMPLE];
const read = (path: string): string => readFileSync(path, 'utf8');

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const repository = repositoryHere(Object.keys(scripts));

describe('workflows', () => {
  test('are the known ones', () => {
    expect(files.toSorted()).toEqual([CI, CODEQL, RELEASE, EXAMPLE].toSorted());
  });

  test.each(files)('%s keeps every rule', async (path) => {
    expect(await workflowProblems(read(path), repository)).toEqual([]);
  });

  test('pin each action to one digest everywhere', () => {
    const pins = new Map<string, Set<string>>();
    for (const { action, pin } of files.flatMap((path) => pinsOf(read(path)))) {
      pins.set(action, (pins.get(action) ?? new Set()).add(pin));
    }
    expect([...pins].filter(([, found]) => found.size > 1)).toEqual([]);
    expect([...pins.keys()].toSorted()).toEqual([
      'actions/attest',
      'actions/checkout',
      'actions/dependency-review-action',
      'actions/download-artifact',
      'actions/setup-node',
      'actions/upload-artifact',
      'azure/login',
      'github/codeql-action/analyze',
      'github/codeql-action/init',
    ]);
  });

  test('look for a function that the app has', () => {
    expect(read(EXAMPLE)).toContain("'/enrichAlert$'");
    expect(globSync('functions/*.ts').map(read).join('\n')).toContain("'enrichAlert'");
  });

  test.each([
    ['an unknown key', CI, 'runs-on: ubuntu-24.04', 'run-on: ubuntu-24.04', /run-on/],
    ['an unknown context', CI, `\${{ matrix.node }}`, `\${{ matrixx.node }}`, /matrixx/],
    ['a tag for a pin', CI, /checkout@\w+ # v7.0.1/, 'checkout@v7', /actions\/checkout is not pinned/],
    ['a pin without version', CI, ' # v7.0.0', '', /actions\/setup-node is not pinned/],
    [
      'pull_request_target',
      CI,
      'pull_request:',
      'pull_request_target:',
      /pull_request_target runs with rights/,
    ],
    ['rights for all jobs', CI, 'permissions: {}', 'permissions: write-all', /must have no permissions/],
    [
      'a job without its rights',
      CI,
      / {4}permissions:\n {6}contents: read\n/,
      '',
      /does not say its permissions/,
    ],
    ['packages in a job that writes', CI, 'contents: read', 'contents: write', /runs packages and may write/],
    ['a clone with its token', CI, 'persist-credentials: false', 'fetch-depth: 1', /keeps the token/],
    ['a job without end', CI, '    timeout-minutes: 20\n', '', /no time limit/],
    [
      'a title as code',
      CI,
      'run: npm ci',
      `run: echo "\${{ github.event.pull_request.title }}"`,
      /an expression becomes shell code/,
    ],
    [
      'a secret',
      EXAMPLE,
      'vars.AZURE_CLIENT_ID',
      'secrets.AZURE_CLIENT_ID',
      /uses the secret AZURE_CLIENT_ID/,
    ],
    ['all secrets', EXAMPLE, 'vars.AZURE_CLIENT_ID', 'toJSON(secrets)', /uses all secrets/],
    ['a script that is not', CI, 'npm run package', 'npm run pack', /npm run pack is no script/],
    [
      'a file that is not',
      RELEASE,
      'cp infra/azuredeploy.json',
      'cp infra/azuredeploy.jsn',
      /infra\/azuredeploy\.jsn/,
    ],
    ['a file not made yet', RELEASE, '      - run: npm run package\n', '', /names package\.zip/],
    [
      'an artifact not made',
      RELEASE,
      '          name: release\n          path',
      '          name: other\n          path',
      /artifact release/,
    ],
    ['half a loop', EXAMPLE, '          done\n', '', /not sound/],
  ] as const)('would be found out with %s', async (_, path, right, wrong, problem) => {
    const text = read(path);
    const broken = text.replace(right, () => wrong);
    expect(broken).not.toBe(text);
    expect((await workflowProblems(broken, repository)).join('\n')).toMatch(problem);
  });
});

describe('publish-template.sh', () => {
  const script = resolve('.github/publish-template.sh');
  let folder: string;
  let remote: string;
  let clone: string;
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe', env: alone });
  const alone = { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  const publish = (text: string, version: string) => {
    writeFileSync(join(clone, 'azuredeploy.json'), text);
    return spawnSync(script, ['azuredeploy.json', version], { cwd: clone, encoding: 'utf8', env: alone });
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'template-branch-'));
    remote = join(folder, 'remote.git');
    clone = join(folder, 'clone');
    git('init', '--quiet', '--bare', remote);
    git('clone', '--quiet', remote, clone);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('makes the branch with the first release, and adds a commit with each further one', () => {
    expect(publish('{"first":true}', 'v1.0.0')).toMatchObject({ status: 0, stderr: '' });
    expect(publish('{"second":true}', 'v1.1.0')).toMatchObject({ status: 0, stderr: '' });
    expect(git('-C', remote, 'ls-tree', '-r', '--name-only', 'deploy')).toBe('azuredeploy.json\n');
    expect(git('-C', remote, 'show', 'deploy:azuredeploy.json')).toBe('{"second":true}');
    expect(git('-C', remote, 'show', 'deploy~1:azuredeploy.json')).toBe('{"first":true}');
    expect(git('-C', remote, 'log', '--format=%s', 'deploy')).toBe(
      'azuredeploy.json of v1.1.0\nazuredeploy.json of v1.0.0\n',
    );
  });

  test('leaves the branch alone when the template is the same', () => {
    publish('{}', 'v1.0.0');
    expect(publish('{}', 'v1.0.1')).toMatchObject({ status: 0 });
    expect(git('-C', remote, 'rev-list', '--count', 'deploy')).toBe('1\n');
  });

  test('fails when there is no template', () => {
    expect(spawnSync(script, ['missing.json', 'v1.0.0'], { cwd: clone, env: alone }).status).not.toBe(0);
    expect(git('-C', remote, 'branch', '--list')).toBe('');
  });
});
