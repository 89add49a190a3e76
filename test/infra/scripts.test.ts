import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  azCallsOfBash,
  azCallsOfPowerShell,
  bodiesOfBash,
  bodiesOfPowerShell,
  powerShellCode,
  readByBash,
  readByPowerShell,
  unbalanced,
} from './scriptText.ts';

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
  if (!isDeepStrictEqual(calls.bash, calls.powerShell)) {
    problems.push('other calls of az');
  }
  if (calls.bash.length < 7) {
    problems.push('too few calls of az found');
  }
  if (!isDeepStrictEqual(bodiesOfBash(bash), bodiesOfPowerShell(powerShell))) {
    problems.push('other body');
  }
  if (!isDeepStrictEqual([...readByBash(bash)].sort(), [...readByPowerShell(powerShell)].sort())) {
    problems.push('other variables of the environment');
  }
  return problems;
}

/** What cannot be right in a PowerShell script as far as its text shows it. */
function powerShellProblems(script: string): string[] {
  const code = powerShellCode(script);
  const problems: string[] = [];
  if (!script.includes('\n\n<#\n.SYNOPSIS\n')) {
    problems.push('Get-Help takes the comment above as part of the help, and shows none');
  }
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

/** Both forms of a script, what stands in them, and mistakes that would be found out. */
const pairs = [
  {
    name: 'grant-permissions',
    calls: 7,
    bodies: [['principalId: <principalid>', 'resourceId: <api>', 'appRoleId: <roleid>']],
    otherThanBash: [
      ["'--method', 'POST'", "'--method', 'PUT'", 'other calls of az'],
      ["'value[].[appRoleId, id]'", "'value[].[id, appRoleId]'", 'other calls of az'],
      ['resourceId = $api', 'resource = $api', 'other body'],
      ['resourceId = $api', 'resourceId = $appId', 'other body'],
      ['$env:ENRICHMENT_SOURCE', '$env:SOURCE', 'other variables of the environment'],
    ],
    wrong: [
      ['if ($DryRun) {', 'if ($DryRun)', 'a } without partner'],
      ['$null = Invoke-Az', '$null = Invoke-Expression', 'Invoke-Expression runs text'],
      ['& az @', '& $env:AZ @', 'runs $env:AZ'],
      ["'value[].displayName'", "'value[?(id)].displayName'", 'value[?(id)].displayName is split by az.cmd'],
    ],
  },
  {
    name: 'register-app',
    calls: 10,
    bodies: [
      ['displayName: <name>', 'signInAudience: AzureADMultipleOrgs'],
      ['name: <credentialname>', 'issuer: <issuer>', 'subject: <principalid>', 'audiences: [<audience>]'],
    ],
    otherThanBash: [
      ["'--method', 'GET'", "'--method', 'DELETE'", 'other calls of az'],
      ['"$graph/v1.0/$Path"', '"$graph/beta/$Path"', 'other calls of az'],
      ["Write-Graph 'POST' 'applications'", "Write-Graph 'PUT' 'applications'", 'other calls of az'],
      ["'value[].[id, appId, signInAudience]'", "'value[].[appId, id, signInAudience]'", 'other calls of az'],
      ['"$roleId=Role"', '"$roleId=Scope"', 'other calls of az'],
      ["'AzureADMultipleOrgs' }", "'AzureADMyOrg' }", 'other body'],
      ['subject = $PrincipalId', 'subject = $objectId', 'other body'],
      ['audiences = @($audience)', 'audiences = $audience', 'other body'],
    ],
    wrong: [
      ['if ($DryRun) {', 'if ($DryRun)', 'a } without partner'],
      ['& az @', '& $env:AZ @', 'runs $env:AZ'],
      ['\n\n<#', '\n<#', 'Get-Help takes the comment above'],
      ["'[[id, appId]]'", "'[(id)]'", '[(id)] is split by az.cmd'],
      ["displayName eq '$Name'&", 'displayName&', 'is split by az.cmd'],
      ["'[[id, appId]]'", `'[["id", appId]]'`, '[["id", appId]] has a double quote'],
    ],
  },
];

describe.each(pairs)('$name in PowerShell, as text', ({ name, calls, bodies, otherThanBash, wrong }) => {
  const bash = readFileSync(`infra/${name}.sh`, 'utf8');
  const powerShell = readFileSync(`infra/${name}.ps1`, 'utf8');

  test(`asks Azure CLI for the same as ${name}.sh, in the same order`, () => {
    expect(azCallsOfPowerShell(powerShell)).toEqual(azCallsOfBash(bash));
    expect(azCallsOfBash(bash)).toHaveLength(calls);
    expect(bodiesOfPowerShell(powerShell)).toEqual(bodies);
    expect(differences(bash, powerShell)).toEqual([]);
  });

  test('has whole blocks, runs no text, and gives az.cmd nothing that it would split', () => {
    expect(powerShellProblems(powerShell)).toEqual([]);
  });

  test(`has the help of ${name}.sh`, () => {
    const help = oneLine(/<#\n([\s\S]*?)#>/.exec(powerShell)?.[1] ?? '');
    const usage = /cat <<'EOF'\nUsage: .*\n\n([\s\S]*?)\nEOF/.exec(bash)?.[1] ?? '';
    const parts = usage.split(/\n(?=\n| {2}--)/).map(oneLine);
    const ofBoth = parts.filter((part) => !part.startsWith('--help ')).map(withoutOption);
    expect(ofBoth.length).toBeGreaterThan(5);
    expect(ofBoth.filter((part) => !help.includes(part))).toEqual([]);
  });

  test('has the options that the documents name', () => {
    const documents = [...globSync('docs/*.md'), 'README.md', 'SECURITY.md'].map((path) =>
      readFileSync(path, 'utf8'),
    );
    const commands = new RegExp(`${name}\\.(?:sh|ps1)([^\n\`]*)`, 'g');
    const options = documents
      .flatMap((text) => [...text.matchAll(commands)])
      .flatMap(([command]) => command.match(/(?<= )(?:--[a-z-]+|-[A-Z]\w+)/g) ?? []);
    expect(options).toContain('--principal-id');
    const known = (option: string) =>
      bash.includes(`  ${option} `) || powerShell.includes(`.PARAMETER ${option.slice(1)}\n`);
    expect(options.filter((option) => !known(option))).toEqual([]);
  });

  test.each(otherThanBash)('would be found out with %s as %s', (right, wrong, problem) => {
    expect(differences(bash, replaced(powerShell, right, wrong))).toContain(problem);
  });

  test.each(wrong)('would be found out with %s as %s, too', (right, wrong, problem) => {
    expect(powerShellProblems(replaced(powerShell, right, wrong))).toContainEqual(
      expect.stringContaining(problem),
    );
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

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim().toLowerCase();
const withoutOption = (text: string) => text.replace(/^--\S+( <\S+>)? /, '');
