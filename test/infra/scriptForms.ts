import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll } from 'vitest';
import { command, type RunScript } from './azStandIn.ts';
import { type PowerShellSession, startPowerShell } from './powerShellSession.ts';

/** What a script is told, by names such as `principalId`; what is undefined or false is left out. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

/** A script of infra/ in one of its two languages. */
export interface ScriptForm {
  readonly name: string;
  readonly start: (options: Options) => RunScript;
  /** The script with the rest of a command line, word by word. */
  readonly startWith: (...words: string[]) => RunScript;
  /** The command that explains the script. */
  readonly help: RunScript;
  /** An option as it stands in a command: `principalId` is `--principal-id` or `-PrincipalId`. */
  readonly option: (name: string) => string;
}

const hasPowerShell = spawnSync('pwsh', ['-NoProfile', '-Version']).status === 0;

/**
 * The forms of a script that can run here: both where PowerShell is installed, and else the one for bash, while
 * scripts.test.ts reads the other. To be called where hooks may be.
 */
export function formsOf(script: string): ScriptForm[] {
  const bash = bashForm(`${script}.sh`);
  return hasPowerShell ? [bash, powerShellForm(`${script}.ps1`)] : [bash];
}

function bashForm(path: string): ScriptForm {
  const option = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const startWith = (...words: string[]) => command('bash', path, ...words);
  return {
    name: nameOf(path),
    start: (options) =>
      startWith(
        ...given(options).flatMap(([name, value]) =>
          value === true ? [option(name)] : [option(name), value],
        ),
      ),
    startWith,
    help: startWith('--help'),
    option,
  };
}

function powerShellForm(path: string): ScriptForm {
  let session: PowerShellSession | undefined;
  beforeAll(() => {
    session = startPowerShell();
  });
  afterAll(() => session?.stop());
  const started = (): PowerShellSession => {
    if (session === undefined) {
      throw new Error('PowerShell has not started');
    }
    return session;
  };
  const parameter = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return {
    name: nameOf(path),
    start: (options) => (environment) =>
      started().run(
        path,
        Object.fromEntries(given(options).map(([name, value]) => [parameter(name), value])),
        environment,
      ),
    startWith:
      (...words) =>
      (environment) =>
        started().runLine(`& ./${path} ${words.join(' ')}`, environment),
    help: (environment) =>
      started().runLine(`Write-Host (Get-Help ./${path} -Full | Out-String -Width 120)`, environment),
    option: (name) => `-${parameter(name)}`,
  };
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

const given = (options: Options) =>
  Object.entries(options).filter((entry): entry is [string, string | true] => isGiven(entry[1]));

const isGiven = (value: string | boolean | undefined) => value !== undefined && value !== false;
