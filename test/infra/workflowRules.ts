import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { parse } from 'yaml';

/** What the rules need to know of the repository that a workflow belongs to. */
export interface Repository {
  /** The names that `npm run` takes. */
  readonly scripts: ReadonlySet<string>;
  readonly exists: (path: string) => boolean;
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: unknown;
  readonly 'timeout-minutes'?: number;
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** Everything that breaks a rule of ours in a workflow, a sentence each. */
export async function workflowProblems(text: string, repository: Repository): Promise<string[]> {
  const errors = await syntaxErrors(text);
  if (errors.length > 0) {
    return errors;
  }
  const workflow = parse(text) as Workflow;
  return [
    ...pinProblems(text),
    ...triggerProblems(workflow),
    ...permissionProblems(workflow),
    ...interpolationProblems(text, workflow),
    ...scriptProblems(workflow, repository),
    ...pathProblems(workflow, repository),
    ...shellProblems(workflow),
  ];
}

/** What GitHub's own parser of workflows has against it. */
async function syntaxErrors(text: string): Promise<string[]> {
  const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await loadParser();
  const { context, value } = parseWorkflow(
    { name: 'workflow.yml', content: text },
    new NoOperationTraceWriter(),
  );
  if (value !== undefined) {
    await convertWorkflowTemplate(context, value);
  }
  return context.errors.getErrors().map((error) => error.message);
}

/** The parser imports its grammar, which is JSON, without the attribute that Node.js asks for. */
async function loadParser() {
  const hooks = registerHooks({
    load: (url, context, nextLoad) =>
      nextLoad(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
  });
  try {
    return await import('@actions/workflow-parser');
  } finally {
    hooks.deregister();
  }
}

/** The actions that a workflow uses, by name, with digest and version. */
export const pinsOf = (text: string): { action: string; pin: string }[] =>
  [...text.matchAll(/uses: *(\S+?)(?:@(.*))?$/gm)].map(([, action = '', pin = '']) => ({ action, pin }));

function pinProblems(text: string): string[] {
  return pinsOf(text)
    .filter(({ action, pin }) => !action.startsWith('./') && !/^[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(pin))
    .map(({ action }) => `${action} is not pinned by digest with its version in a comment`);
}

function triggerProblems({ on }: Workflow): string[] {
  return ['pull_request_target', 'workflow_run', 'issue_comment']
    .filter((event) => event in on)
    .map((event) => `${event} runs with rights on what strangers wrote`);
}

function permissionProblems({ permissions, jobs }: Workflow): string[] {
  const problems: string[] = [];
  if (JSON.stringify(permissions) !== '{}') {
    problems.push('the workflow itself must have no permissions');
  }
  for (const [name, job] of Object.entries(jobs)) {
    if (typeof job.permissions !== 'object' || job.permissions === null) {
      problems.push(`job ${name} does not say its permissions`);
      continue;
    }
    const rights = job.permissions as Record<string, string>;
    const mayWrite = Object.values(rights).includes('write');
    const runs = (job.steps ?? []).map(({ run }) => run ?? '').join('\n');
    if (mayWrite && /\b(npm|npx|node)\b|\.ci\/run/.test(runs)) {
      problems.push(`job ${name} runs packages and may write`);
    }
    if (rights.contents !== 'write') {
      for (const step of job.steps ?? []) {
        if (step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false) {
          problems.push(`job ${name} keeps the token in its clone`);
        }
      }
    }
    if (job['timeout-minutes'] === undefined) {
      problems.push(`job ${name} has no time limit`);
    }
  }
  return problems;
}

function interpolationProblems(text: string, workflow: Workflow): string[] {
  const problems = stepsOf(workflow)
    .filter(({ run }) => run?.includes('${{'))
    .map(({ run }) => `an expression becomes shell code in: ${run?.split('\n')[0]}`);
  for (const [, secret] of text.matchAll(/\bsecrets\.(\w+)/g)) {
    if (secret !== 'GITHUB_TOKEN') {
      problems.push(`uses the secret ${secret}`);
    }
  }
  if (/\bsecrets\s*\[|toJSON\(\s*secrets|secrets: *inherit/i.test(text)) {
    problems.push('uses all secrets');
  }
  return problems;
}

function scriptProblems(workflow: Workflow, { scripts }: Repository): string[] {
  const names = stepsOf(workflow).flatMap(({ run = '' }) =>
    [...run.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name),
  );
  return names
    .filter((name) => !scripts.has(name))
    .map((name) => `npm run ${name} is no script of package.json`);
}

/** Paths that steps name but that neither the repository has nor an earlier step of the job makes. */
function pathProblems(workflow: Workflow, { exists }: Repository): string[] {
  const problems: string[] = [];
  const artifacts = new Map<unknown, readonly string[]>();
  for (const [name, { steps = [] }] of Object.entries(workflow.jobs)) {
    const made = new Set<string>();
    const hasClone = steps.some(({ uses }) => uses?.startsWith('actions/checkout@'));
    const need = (path: string) => {
      if (!made.has(path) && !(hasClone && exists(path))) {
        problems.push(`job ${name} names ${path}, which is not there`);
      }
    };
    for (const { uses, run = '', with: inputs = {} } of steps) {
      const listed = `${inputs.path ?? inputs['subject-path'] ?? ''}`.split('\n').filter(Boolean);
      for (const path of listed) {
        need(path);
      }
      if (uses?.startsWith('actions/upload-artifact@')) {
        artifacts.set(inputs.name, listed);
      }
      if (uses?.startsWith('actions/download-artifact@')) {
        if (!artifacts.has(inputs.name)) {
          problems.push(`job ${name} takes artifact ${inputs.name}, which nobody made`);
        }
        for (const path of artifacts.get(inputs.name) ?? []) {
          made.add(path);
        }
      }
      if (/npm run package\b/.test(run)) {
        made.add('package.zip');
      }
      for (const [, path = ''] of run.matchAll(/(?:cp [\w./-]+|(?<![0-9<])>) +([\w./-]+)/g)) {
        made.add(path);
      }
      for (const word of run.split(/[\s'"()=]+/)) {
        if (looksLikePath(word)) {
          need(word.replace(/^\.\//, ''));
        }
      }
    }
  }
  return problems;
}

const looksLikePath = (word: string): boolean =>
  /^(\.?\/)?[\w.-]+(\/[\w.-]+)*$/.test(word) &&
  (/^(\.\/|\.ci\/|\.github\/|infra\/|docs\/|dev\/)/.test(word) ||
    /\.(zip|json|bicep|sh)$|^SHA256SUMS$/.test(word));

/** What ShellCheck (or bash alone, where that is missing) has against the steps' scripts. */
function shellProblems(workflow: Workflow): string[] {
  const hasShellCheck = spawnSync('shellcheck', ['--version']).status === 0;
  const scripts = stepsOf(workflow).flatMap(({ run }) => (run === undefined ? [] : [run]));
  const [program, ...args]: [string, ...string[]] = hasShellCheck
    ? ['shellcheck', '--exclude=SC2234', '-']
    : ['bash', '-n'];
  // Each script in a subshell of its own, so that one start of the program does for all (SC2234 is about that).
  const input = `#!/usr/bin/env bash\nset -e\n${scripts.map((script) => `(\n${script}\n)\n`).join('')}`;
  const { status, stdout, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
  return status === 0 ? [] : [`a step's script is not sound: ${stdout}${stderr}`];
}

const stepsOf = ({ jobs }: Workflow): Step[] => Object.values(jobs).flatMap(({ steps = [] }) => [...steps]);

/** What commands here leave behind; a fresh clone has none of it. */
const MADE_BY_COMMANDS = ['package', 'package.zip', 'dist'];

/** This repository as a fresh clone has it, seen from the current folder. */
export const repositoryHere = (scripts: Iterable<string>): Repository => ({
  scripts: new Set(scripts),
  exists: (path) => !MADE_BY_COMMANDS.includes(path) && existsSync(path),
});
