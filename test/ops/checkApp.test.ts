import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '#dev/stack/stack.ts';
import { type CheckAppDeps, checkAlert, checkApp } from '#ops/app/checkApp.ts';
import type { DeployedApp } from '#ops/app/deployedApp.ts';
import { readyOrNot } from '#ops/check/findingsView.ts';
import { startPipeline } from '../support/pipelineHarness.ts';
import { secretsOf } from '../support/secrets.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { runOps } from './commandLine.ts';

const APP: DeployedApp = { url: 'https://app.example', headers: { 'x-functions-key': 'secret-key' } };
const CHECK = { name: 'role Machine.Read.All', status: 'ok', detail: 'Machine.Read.All' };
const HEALTHY = { status: 'healthy', ready: true, checks: [CHECK] };
const OTHER = { submissionId: 'earlier', outcome: 'not_found', enrichedAt: '2026-11-27T08:00:00Z' };

type Answer = [status: number, body: unknown] | Error;

/** An app that answers each path by its list, the last answer again and again. */
function appThatSays(answers: Record<string, Answer[]>, times: Partial<CheckAppDeps> = {}) {
  const asked: { path: string; headers: Headers }[] = [];
  const deps: CheckAppDeps = {
    async fetch(input, init) {
      const path = new URL(String(input)).pathname;
      asked.push({ path, headers: new Headers(init?.headers) });
      const list = answers[path] ?? [];
      const answer = list.length > 1 ? list.shift() : list[0];
      if (answer === undefined || answer instanceof Error) {
        throw new TypeError('fetch failed', { cause: answer });
      }
      return new Response(typeof answer[1] === 'string' ? answer[1] : JSON.stringify(answer[1]), {
        status: answer[0],
      });
    },
    startMs: 20,
    settleMs: 20,
    intervalMs: 1,
    alertMs: 10_000,
    ...times,
  };
  return { deps, asked };
}

describe('the app that runs', () => {
  test('is ready when all that it says of itself is ok, and is asked with the key', async () => {
    const { deps, asked } = appThatSays({ '/api/health': [[200, { ...HEALTHY, futureField: 1 }]] });
    const findings = await checkApp(APP, deps);
    expect(findings).toMatchObject([
      { subject: 'app', status: 'ok' },
      { subject: 'role Machine.Read.All', status: 'ok' },
    ]);
    expect(readyOrNot(findings)).toMatch(/^Ready/);
    expect(asked.map(({ headers }) => headers.get('x-functions-key'))).toEqual(['secret-key']);
  });

  test('is asked again while it starts, and while it finds something out', async () => {
    const unsure = { ...HEALTHY, ready: false, checks: [{ ...CHECK, status: 'warning' }] };
    const { deps } = appThatSays(
      {
        '/api/health': [
          new Error('connect ECONNREFUSED'),
          [503, 'Function host is not running.'],
          [200, unsure],
          [200, HEALTHY],
        ],
      },
      { startMs: 60_000, settleMs: 60_000 },
    );
    expect(readyOrNot(await checkApp(APP, deps))).toMatch(/^Ready/);
  });

  test('is not ready for what stays wrong, by name', async () => {
    const checks = [
      CHECK,
      { ...CHECK, name: 'Defender', status: 'failed' },
      { ...CHECK, name: 'clock', status: 'warning' },
    ];
    const { deps } = appThatSays({ '/api/health': [[503, { status: 'unhealthy', ready: false, checks }]] });
    expect(readyOrNot(await checkApp(APP, deps))).toBe('Not ready: Defender; clock.');
  });

  test.each<[string, Answer, RegExp]>([
    ['does not answer', new Error('connect ECONNREFUSED 127.0.0.1:1'), /ECONNREFUSED/],
    ['refuses the key', [401, ''], /lets this caller not in \(401\)/],
    ['has no code', [404, ''], /no code is deployed/],
    ['has a host that does not run', [503, 'Function host is not running.'], /answers 503/],
    ['is of an older version', [200, { status: 'healthy', checks: [] }], /not as this version does/],
  ])('says so when it %s', async (_, answer, said) => {
    const { deps } = appThatSays({ '/api/health': [answer] });
    const findings = await checkApp(APP, deps);
    expect(findings).toMatchObject([
      { subject: 'app', status: 'problem', detail: expect.stringMatching(said) },
    ]);
    expect(JSON.stringify(findings)).not.toContain('secret-key');
  });
});

describe('an alert that goes the whole way', () => {
  const ordered: Answer[] = [
    [202, { submissions: [{ submissionId: 'mine', status: 'pending' }], rejected: [] }],
  ];
  const pending = { alertId: 'a', status: 'pending', retryAfterSeconds: 5 };
  const stillPending: Answer = [202, pending];
  const send = (...answers: Answer[]) => {
    const isNeverFinal = answers.length === 1 && answers[0] === stillPending;
    const times = isNeverFinal ? { alertMs: 20 } : {};
    const { deps } = appThatSays({ '/api/enrichments': ordered, '/api/enrichments/a': answers }, times);
    return checkAlert(APP, 'a', deps);
  };
  const deferredFor = (reason: string) => ({ ...pending, deferral: { reason, detail: 'Defender answered' } });

  test.each<[string, Answer[], string, RegExp]>([
    [
      'is enriched',
      [
        [202, pending],
        [200, { ...OTHER, submissionId: 'mine', outcome: 'enriched', device: { id: 'd', hostname: 'pc-1' } }],
      ],
      'ok',
      /a is enriched: pc-1/,
    ],
    ['is not known', [[200, { ...OTHER, submissionId: 'mine' }]], 'ok', /knows no alert a or/],
    [
      'is not known yet',
      [
        [202, pending],
        [202, deferredFor('not_found')],
      ],
      'ok',
      /knows no alert a yet/,
    ],
    ['is put back', [[202, deferredFor('unavailable')]], 'problem', /a was put back: Defender answered/],
    [
      'fails',
      [[200, { ...OTHER, submissionId: 'mine', outcome: 'failed', error: { message: 'rejected' } }]],
      'problem',
      /a failed: rejected/,
    ],
    ['is not taken up', [stillPending], 'problem', /a was not looked up within 0.02 s/],
    ['has an earlier answer alone', [[200, OTHER]], 'note', /reused/],
    ['cannot be asked for', [new Error('socket hang up')], 'problem', /socket hang up/],
  ])('and %s', async (_, answers, status, said) => {
    expect(await send(...answers)).toMatchObject({ status, detail: expect.stringMatching(said) });
  });

  test('and is refused', async () => {
    const { deps } = appThatSays({ '/api/enrichments': [[503, { detail: 'The storage service failed.' }]] });
    expect(await checkAlert(APP, 'a', deps)).toMatchObject({
      status: 'problem',
      detail: expect.stringContaining('The storage service failed.'),
    });
  });
});

describe('npm run ops -- check --url', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.stop());

  async function checkHost(settings: Record<string, string>, ...options: string[]) {
    const pipeline = await startPipeline(stack, settings);
    const [host] = pipeline.hosts;
    const run = await runOps({}, 'check', '--url', host?.url ?? '', ...options);
    const readUsed = async () => {
      const quota = (await (await fetch(`${host?.url}/api/quota`)).json()) as { windows: { used: number }[] };
      return quota.windows[0]?.used;
    };
    // The app tells the quota as it was two seconds ago at most.
    const made = stack.simulator.control.calls().length;
    const isCounted = async () => (await readUsed()) === made;
    await waitUntil('the quota counts every call', isCounted);
    await host?.stop();
    for (const secret of secretsOf(stack)) {
      expect(run.output + run.errors).not.toContain(secret);
    }
    return { ...run, calls: made };
  }

  test('says that an app is ready before its first alert, for one call, and proves it with an invented one', async () => {
    const limits = { NOT_FOUND_RETRIES: '1h', DEFENDER_RATE_LIMITS: '100/1m' };
    const { output, exitCode, calls } = await checkHost(limits, '--alert');
    expect(output).toMatch(/^ok +role Machine\.Read\.All +Machine\.Read\.All$/m);
    expect(output).toMatch(/^ok +alert +the source was asked, and knows no alert check-[-\w]+ yet/m);
    expect(output).toMatch(/^Ready: /m);
    expect(exitCode).toBe(0);
    // One question of the app's own and one look-up, both of them counted.
    expect(stack.simulator.control.calls().map(({ status }) => status)).toEqual([404, 404]);
    expect(calls).toBe(2);
  });

  test('names the role that is missing, and makes no call for it', async () => {
    stack.simulator.control.reset();
    stack.simulator.control.revokeRoles(['Machine.Read.All']);
    const { output, exitCode } = await checkHost({});
    expect(output).toMatch(
      /^problem +role Machine\.Read\.All +not in the token.*grant-permissions\.sh --principal-id/m,
    );
    expect(output).toMatch(/^Not ready: role Machine\.Read\.All; Defender\.$/m);
    expect(exitCode).toBe(1);
    expect(stack.simulator.control.calls()).toEqual([]);
  });
});
