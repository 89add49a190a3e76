import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  azCallsOfBash,
  azCallsOfPowerShell,
  bodyPropertiesOfBash,
  bodyPropertiesOfPowerShell,
  powerShellCode,
  unbalanced,
} from './grantScriptText.ts';

const bashScript = readFileSync('infra/grant-permissions.sh', 'utf8');
const powerShellScript = readFileSync('infra/grant-permissions.ps1', 'utf8');

describe('shell scripts', () => {
  const scripts = new Set([
    '.ci/run',
    ...globSync('**/*.sh', { exclude: (path) => /^(node_modules|dist|package)$/.test(path) }),
    ...globSync('.github/**/*.sh'),
  ]);
  const hasShellCheck = spawnSync('shellcheck', ['--version']).status === 0;
  // Without ShellCheck (Debian: apt install shellcheck) at least bash reads the script; `.ci/run` says so.
  const check: [string, ...string[]] = hasShellCheck
    ? ['shellcheck', '--shell=bash', '--severity=style', '-']
    : ['bash', '-n'];
  const problemsOf = (script: string): string => {
    const { stdout, stderr, status } = spawnSync(check[0], check.slice(1), {
      input: script,
      encoding: 'utf8',
    });
    return status === 0 ? '' : `${stdout}${stderr}`;
  };

  test('are there, and ShellCheck is on the runners of GitHub', () => {
    expect([...scripts]).toContain('infra/grant-permissions.sh');
    if (process.env.GITHUB_ACTIONS === 'true') {
      expect(hasShellCheck).toBe(true);
    }
  });

  test.each([...scripts])('%s has nothing that the checker objects to', (path) => {
    expect(problemsOf(readFileSync(path, 'utf8'))).toBe('');
  });

  test('would be found out when broken', () => {
    expect(problemsOf(bashScript.replace('if $dry_run; then', 'if $dry_run;'))).not.toBe('');
    if (hasShellCheck) {
      expect(problemsOf(bashScript.replace('look_up "$roles"', 'look_up $roles'))).toContain('SC2086');
    }
  });
});

/** What is wrong with a pair of scripts as far as their text shows it. */
function differences(bash: string, powerShell: string): string[] {
  const problems: string[] = [];
  const calls = { bash: azCallsOfBash(bash), powerShell: azCallsOfPowerShell(powerShell) };
  if (JSON.stringify(calls.bash) !== JSON.stringify(calls.powerShell)) {
    problems.push('other calls of az');
  }
  if (calls.bash.length < 7) {
    problems.push('too few calls of az found');
  }
  if (bodyPropertiesOfBash(bash).join() !== bodyPropertiesOfPowerShell(powerShell).join()) {
    problems.push('other body');
  }
  return problems;
}

/** What cannot be right in a PowerShell script as far as its text shows it. */
function powerShellProblems(script: string): string[] {
  const code = powerShellCode(script);
  const problems: string[] = [];
  const bracket = unbalanced(code);
  if (bracket !== undefined) {
    problems.push(`a ${bracket} without partner`);
  }
  for (const [word] of code.matchAll(/\b(Invoke-Expression|iex|Start-Process|Invoke-Command|cmd)\b/gi)) {
    problems.push(`${word} runs text`);
  }
  for (const [, program] of code.matchAll(/& (\S+)/g)) {
    if (program !== 'az') {
      problems.push(`runs ${program}`);
    }
  }
  for (const argument of azCallsOfPowerShell(script).flat()) {
    if (argument.includes('"')) {
      problems.push(`${argument} has a double quote, which az.cmd cannot be given`);
    }
    if (/[&|()]/.test(argument) && !argument.includes(' ')) {
      problems.push(`${argument} is split by az.cmd`);
    }
  }
  return problems;
}

describe('grant-permissions.ps1, read as text', () => {
  test('asks Azure CLI for the same as grant-permissions.sh, in the same order', () => {
    expect(azCallsOfPowerShell(powerShellScript)).toEqual(azCallsOfBash(bashScript));
    expect(differences(bashScript, powerShellScript)).toEqual([]);
    expect(bodyPropertiesOfBash(bashScript)).toEqual(['principalId', 'resourceId', 'appRoleId']);
  });

  test('has whole blocks, runs no text, and gives az.cmd nothing that it would split', () => {
    expect(powerShellProblems(powerShellScript)).toEqual([]);
  });

  test.each([
    ["'--method', 'POST'", "'--method', 'PUT'", 'other calls of az'],
    ["'value[].[appRoleId, id]'", "'value[].[id, appRoleId]'", 'other calls of az'],
    ['resourceId = $api', 'resource = $api', 'other body'],
  ])('would be found out with %s as %s', (right, wrong, problem) => {
    expect(differences(bashScript, replaced(powerShellScript, right, wrong))).toContain(problem);
  });

  test.each([
    ['if ($DryRun) {', 'if ($DryRun)', 'a } without partner'],
    ['$null = Invoke-Az', '$null = Invoke-Expression', 'Invoke-Expression runs text'],
    ['& az @', '& $env:AZ @', 'runs $env:AZ'],
    ["'value[].displayName'", "'value[?(id)].displayName'", 'value[?(id)].displayName is split by az.cmd'],
  ])('would be found out with %s as %s, too', (right, wrong, problem) => {
    expect(powerShellProblems(replaced(powerShellScript, right, wrong))).toContain(problem);
  });
});

describe('the hook of azd', () => {
  const { hooks } = parse(readFileSync('azure.yaml', 'utf8')) as {
    hooks: { postprovision: Record<string, { run: string; continueOnError?: boolean }> };
  };
  const outputs = readFileSync('infra/main.bicep', 'utf8');

  test('runs the scripts, and lets the deployment go on where the caller may not grant', () => {
    expect(hooks.postprovision.posix).toMatchObject({
      run: expect.stringContaining('infra/grant-permissions.sh'),
      continueOnError: true,
    });
    expect(hooks.postprovision.windows).toMatchObject({
      run: expect.stringContaining('infra/grant-permissions.ps1'),
      continueOnError: true,
    });
  });

  test.each(['AZURE_IDENTITY_PRINCIPAL_ID', 'ALERT_POLL_SCHEDULE', 'ENRICHMENT_SOURCE'])(
    'gives them %s, which both read, as an output of the template',
    (name) => {
      expect(outputs).toMatch(new RegExp(`^output ${name} string`, 'm'));
      expect(bashScript).toMatch(new RegExp(`\\$\\{${name}:-(defender)?\\}`));
      expect(powerShellScript).toContain(`$env:${name}`);
    },
  );
});

function replaced(text: string, right: string, wrong: string): string {
  expect(text).toContain(right);
  return text.replace(right, () => wrong);
}
