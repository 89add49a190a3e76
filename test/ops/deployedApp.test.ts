import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { appAt, appNamed, appOfAzd, type RunProgram } from '#ops/app/deployedApp.ts';
import { runOps } from './commandLine.ts';

const HOST = 'func-enrichment-x.azurewebsites.net';

/** What Azure CLI prints, by the words that its arguments begin with. */
const usual: Record<string, unknown> = {
  'resource list': [{ id: '/x', resourceGroup: 'rg-prod', name: 'func-enrichment-x' }],
  'functionapp show': { defaultHostName: HOST },
  'functionapp config appsettings list': [{ name: 'HTTP_AUTHORIZATION', value: 'key' }],
  'functionapp keys list': {
    functionKeys: { default: 'the-key' },
    masterKey: 'the-master-key',
    systemKeys: {},
  },
  'rest --method GET': {
    properties: { identityProviders: { azureActiveDirectory: { registration: { clientId: 'the-client' } } } },
  },
  'account get-access-token': { accessToken: 'the-token' },
};

function cli(changes: Record<string, unknown> = {}, azd = '') {
  const calls: string[] = [];
  const run: RunProgram = async (program, args) => {
    const call = args.join(' ');
    calls.push(`${program} ${call}`);
    if (program === 'azd') {
      return azd;
    }
    const [, answer] =
      Object.entries({ ...usual, ...changes }).find(([words]) => call.startsWith(words)) ?? [];
    if (answer instanceof Error) {
      throw answer;
    }
    return JSON.stringify(answer);
  };
  return { run, calls };
}

describe('an app by its name', () => {
  test('is found with its address and function key, and never asked for the master key', async () => {
    const { run, calls } = cli();
    expect(await appNamed('func-enrichment-x', undefined, run)).toEqual({
      url: `https://${HOST}`,
      headers: { 'x-functions-key': 'the-key' },
    });
    expect(calls).toContain(
      'az functionapp keys list --resource-group rg-prod --name func-enrichment-x --output json',
    );
  });

  test('is found in the form that newer versions of Azure CLI give it', async () => {
    const { run } = cli({ 'functionapp show': { properties: { defaultHostName: HOST } } });
    expect(await appNamed('func-enrichment-x', 'rg', run)).toMatchObject({ url: `https://${HOST}` });
  });

  test('is asked with a token where it takes no keys', async () => {
    const { run, calls } = cli({
      'functionapp config appsettings list': [{ name: 'HTTP_AUTHORIZATION', value: 'entra' }],
    });
    expect(await appNamed('func-enrichment-x', undefined, run)).toMatchObject({
      headers: { authorization: 'Bearer the-token' },
    });
    expect(calls.at(-1)).toContain('--resource api://the-client');
    expect(calls.join()).not.toContain('keys list');
  });

  test.each<[string, string, Record<string, unknown>, RegExp]>([
    ['a name that is none', 'a;b', {}, /no name of a function app/],
    ['another subscription', 'x', { 'resource list': [] }, /no app named x.*az account set/],
    ['a host that never started', 'x', { 'functionapp keys list': { functionKeys: {} } }, /has not started/],
    [
      'Azure CLI not being let in',
      'x',
      {
        'functionapp config appsettings list': [{ name: 'HTTP_AUTHORIZATION', value: 'entra' }],
        'account get-access-token': new Error('AADSTS65001'),
      },
      /AADSTS65001[\s\S]*APP_TOKEN/,
    ],
  ])('says what to do about %s', async (_, name, changes, said) => {
    await expect(appNamed(name, undefined, cli(changes).run)).rejects.toThrow(said);
  });
});

describe('npm run ops -- check --app', () => {
  async function checkWithAz(script: string | undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'stand-in-az-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    if (script !== undefined) {
      writeFileSync(join(folder, 'az'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return runOps({ PATH: folder }, 'check', '--app', 'func-x');
  }

  test("says in Azure CLI's own words why the app cannot be found", async () => {
    const { errors, exitCode } = await checkWithAz(
      'echo "ERROR: Please run az login to setup account." >&2; exit 1',
    );
    expect(errors).toBe('az resource list --resource-type: ERROR: Please run az login to setup account.\n');
    expect(exitCode).toBe(1);
  });

  test('says that Azure CLI is missing', async () => {
    expect((await checkWithAz(undefined)).errors).toMatch(/^az is not installed/);
  });
});

describe('the app of azd', () => {
  test('is the one that the environment names', async () => {
    const { run, calls } = cli(
      {},
      'AZURE_FUNCTION_APP_NAME="func-enrichment-x"\nAZURE_RESOURCE_GROUP="rg-of-azd"\n',
    );
    expect(await appOfAzd({}, run)).toMatchObject({ url: `https://${HOST}` });
    expect(calls.join()).toContain('--resource-group rg-of-azd');
  });

  test('is known to a hook of azd without asking', async () => {
    const { run, calls } = cli();
    const environment = { AZURE_FUNCTION_APP_NAME: 'func-enrichment-x', AZURE_RESOURCE_GROUP: 'rg-of-hook' };
    expect(await appOfAzd(environment, run)).toMatchObject({ url: `https://${HOST}` });
    expect(calls.join()).not.toContain('azd ');
  });

  test('is none before anything is deployed', async () => {
    await expect(appOfAzd({}, cli({}, 'AZURE_ENV_NAME="prod"\n').run)).rejects.toThrow(/after "azd up"/);
  });
});

describe('an app by its address', () => {
  test('is asked with what the environment holds', () => {
    expect(appAt('https://app.example/', { APP_KEY: 'k', APP_TOKEN: 't' })).toEqual({
      url: 'https://app.example',
      headers: { 'x-functions-key': 'k', authorization: 'Bearer t' },
    });
    expect(appAt('http://127.0.0.1:7071', {})).toEqual({ url: 'http://127.0.0.1:7071', headers: {} });
  });

  test.each(['http://app.example', 'app.example', 'ftp://x', ''])('sends no key to %j', (address) => {
    expect(() => appAt(address, { APP_KEY: 'k' })).toThrow(/https address/);
  });
});
