import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** What the stand-in for Azure CLI answers to a call whose arguments contain all these texts, in this order. */
export interface AzAnswer {
  readonly when: readonly string[];
  readonly output?: string;
  readonly error?: string;
  readonly status?: number;
  /** Only to the first such call. */
  readonly once?: boolean;
}

/** How a run of a script ended, and what it asked of Azure CLI. */
export interface ScriptRun {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
  /** The arguments of each call of `az`, in order; a `@file` stands as what the file held. */
  readonly calls: readonly (readonly string[])[];
  readonly pauses: readonly string[];
}

/** Runs a script with these variables of the environment. */
export type RunScript = (environment: Record<string, string>) => Promise<{
  status: number;
  output: string;
  errors: string;
}>;

/**
 * Runs a script with a stand-in for `az` on its path that records each call and answers by the first line of the table
 * that fits, and one for `sleep` that does not wait. A call that no line fits ends with 99.
 */
export async function runWithAz(
  run: RunScript,
  answers: readonly AzAnswer[],
  settings: Readonly<Record<string, string>> = {},
): Promise<ScriptRun> {
  const folder = mkdtempSync(join(tmpdir(), 'stand-in-az-'));
  try {
    writeProgram(folder, 'az', azProgram(folder, answers));
    writeProgram(folder, 'sleep', `printf '%s\\n' "$1" >>${quoted(join(folder, 'pauses'))}\n`);
    const env = { PATH: `${folder}${delimiter}${process.env.PATH}`, HOME: folder, ...settings };
    const ended = await run(env);
    const recorded = readOr(join(folder, 'calls'), '');
    return {
      ...ended,
      calls: recorded
        .split(CALL_END)
        .slice(0, -1)
        .map((call) => call.split(ARGUMENT_END).slice(0, -1)),
      pauses: readOr(join(folder, 'pauses'), '').split('\n').filter(Boolean),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ARGUMENT_END = '\u001f';
const CALL_END = '\u001e';

function azProgram(folder: string, answers: readonly AzAnswer[]): string {
  const record = `for argument in "$@"; do
  case $argument in @*) argument=$(cat "\${argument#@}") ;; esac
  printf '%s\\037' "$argument"
done >>${quoted(join(folder, 'calls'))}
printf '\\036' >>${quoted(join(folder, 'calls'))}
`;
  const branches = answers.map((answer, index) => {
    const pattern = answer.when.map((text) => `*${quoted(text)}`).join('');
    const given = quoted(join(folder, `given-${index}`));
    const isOpen = answer.once ? `[ ! -e ${given} ]` : 'true';
    return `case "$*" in ${pattern}*)
  if ${isOpen}; then
    : >${given}
    printf '%s' ${quoted(answer.output ?? '')}
    printf '%s' ${quoted(answer.error ?? '')} >&2
    exit ${answer.status ?? 0}
  fi
esac
`;
  });
  return `${record}${branches.join('')}printf 'no answer for: %s' "$*" >&2\nexit 99\n`;
}

/** A script in a process of its own. */
export function command(program: string, ...args: string[]): RunScript {
  return (env) =>
    new Promise((resolve) => {
      execFile(program, args, { env }, (error, output, errors) => {
        resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, output, errors });
      });
    });
}

function writeProgram(folder: string, name: string, text: string): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}`);
  chmodSync(path, 0o755);
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const readOr = (path: string, otherwise: string): string =>
  existsSync(path) ? readFileSync(path, 'utf8') : otherwise;
