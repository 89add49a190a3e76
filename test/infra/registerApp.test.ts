import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AzAnswer, command, runWithAz } from './grantStandIn.ts';

const SCRIPT = resolve('infra/register-app.sh');
const TENANT = '11111111-1111-4111-8111-111111111111';
const PRINCIPAL = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const APP = '22222222-2222-4222-8222-222222222222';
const OBJECT = '33333333-3333-4333-8333-333333333333';
const ISSUER = `https://login.microsoftonline.com/${TENANT}/v2.0`;
const CREDENTIAL = ['enrichment-aaaaaaaa', ISSUER, PRINCIPAL, 'api://AzureADTokenExchange'].join('\t');
const ROLE_IDS: Record<string, string> = {
  'Machine.Read.All': '01',
  'Alert.Read.All': '02',
  'SecurityAlert.Read.All': '03',
  'ThreatHunting.Read.All': '04',
};
const lines = (...names: string[]) => names.map((name) => `${name}\trole-${ROLE_IDS[name]}`).join('\n');

/** What Azure CLI answers where nothing is registered yet; answers given before take their place. */
const nothingThere = (...first: AzAnswer[]): AzAnswer[] => [
  ...first,
  { when: ['account show'], output: TENANT },
  { when: ['cloud show'], output: 'https://graph.microsoft.com/' },
  {
    when: ['GET', `servicePrincipals?$filter=id eq '${PRINCIPAL}'`],
    output: `isExplicit=True /subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id`,
  },
  { when: ['GET', 'applications?$filter=displayName eq'], output: '' },
  { when: ['GET', "appId eq 'fc780465"], output: lines('Machine.Read.All', 'Alert.Read.All') },
  { when: ['GET', "appId eq '00000003"], output: lines('SecurityAlert.Read.All', 'ThreatHunting.Read.All') },
  { when: ['POST', 'applications --'], output: `${OBJECT}\t${APP}` },
  { when: ['ad app permission add'] },
  { when: ['POST', `applications/${OBJECT}/federatedIdentityCredentials`], output: 'credential' },
];

/** The same where all of it was made before. */
const allThere = (...first: AzAnswer[]): AzAnswer[] =>
  nothingThere(
    ...first,
    {
      when: ['GET', 'applications?$filter=displayName eq'],
      output: `${OBJECT}\t${APP}\tAzureADMultipleOrgs`,
    },
    { when: ['GET', 'requiredResourceAccess'], output: 'role-01\nrole-02' },
    { when: ['GET', 'federatedIdentityCredentials'], output: CREDENTIAL },
  );

function run(answers: readonly AzAnswer[], ...args: string[]) {
  return runWithAz(command('bash', SCRIPT, '--principal-id', PRINCIPAL, ...args), answers);
}

const changes = (calls: readonly (readonly string[])[]) =>
  calls.map((call) => call.join(' ')).filter((call) => / POST | permission add /.test(` ${call} `));

describe('register-app.sh', () => {
  test('makes registration, permissions and federated credential, and tells DEFENDER_APP_ID', async () => {
    const { status, output, errors, calls } = await run(nothingThere());
    expect({ status, errors }).toEqual({ status: 0, errors: '' });
    const [registration, ...others] = changes(calls);
    expect(registration).toContain('"signInAudience":"AzureADMultipleOrgs"');
    expect(others.map((call) => /role-\d\d|"subject":"[^"]+"/.exec(call)?.[0])).toEqual([
      'role-01',
      'role-02',
      `"subject":"${PRINCIPAL}"`,
    ]);
    expect(others.at(-1)).toContain(`"issuer":"${ISSUER}"`);
    expect(others.at(-1)).toContain('"audiences":["api://AzureADTokenExchange"]');
    expect(output).toContain(`DEFENDER_APP_ID=${APP}`);
    expect(calls.flat().join(' ')).not.toMatch(/secret|password|DELETE|PATCH/i);
  });

  test('changes nothing where everything is there', async () => {
    const { status, output, calls } = await run(allThere());
    expect([status, changes(calls)]).toEqual([0, []]);
    expect(output).toMatch(/Machine\.Read\.All +asked for already/);
    expect(output).toMatch(/Federated credential +there already/);
    expect(output).toContain(`DEFENDER_APP_ID=${APP}`);
  });

  test('adds what Graph takes to what is there', async () => {
    const { status, calls } = await run(allThere(), '--source', 'auto');
    expect(status).toBe(0);
    expect(changes(calls).map((call) => /role-\d\d/.exec(call)?.[0])).toEqual(['role-03', 'role-04']);
  });

  test('makes nothing in a dry run', async () => {
    const { status, output, calls } = await run(nothingThere(), '--dry-run', '--source', 'auto');
    expect([status, changes(calls)]).toEqual([0, []]);
    expect(output.match(/dry run/g)).toHaveLength(6);
  });

  test('takes issuer and audience of Azure Government there', async () => {
    const { calls } = await run(nothingThere({ when: ['cloud show'], output: 'https://graph.microsoft.us' }));
    const credential = changes(calls).at(-1);
    expect(credential).toContain(`"issuer":"https://login.microsoftonline.us/${TENANT}/v2.0"`);
    expect(credential).toContain('api://AzureADTokenExchangeUSGov');
  });

  test.each<[string, AzAnswer, RegExp]>([
    [
      'nobody is signed in',
      { when: ['account show'], error: 'Please run az login', status: 1 },
      /not signed in/,
    ],
    [
      'the identity is not there',
      { when: ['GET', 'servicePrincipals?$filter=id eq'], output: '' },
      /knows no identity/,
    ],
    [
      'the identity is system-assigned',
      {
        when: ['GET', 'servicePrincipals?$filter=id eq'],
        output: 'isExplicit=False /subscriptions/s/sites/app',
      },
      /not a user-assigned managed identity/,
    ],
    [
      'the home tenant has no Defender API',
      { when: ['GET', "appId eq 'fc780465"], output: '' },
      /az ad sp create --id fc780465/,
    ],
    [
      'a registration of that name serves one tenant',
      { when: ['GET', 'displayName eq'], output: `${OBJECT}\t${APP}\tAzureADMyOrg` },
      /--sign-in-audience AzureADMultipleOrgs/,
    ],
    [
      'there are two of that name',
      { when: ['GET', 'displayName eq'], output: `a\tb\tAzureADMultipleOrgs\nc\td\tAzureADMultipleOrgs` },
      /several app registrations/,
    ],
    [
      'the person may not register',
      { when: ['POST', 'applications --'], error: 'Authorization_RequestDenied', status: 1 },
      /You may not register an application in tenant/,
    ],
  ])('says what to do when %s', async (_, answer, words) => {
    const { status, errors } = await run(nothingThere(answer));
    expect(status).toBe(1);
    expect(errors).toMatch(words);
  });

  test('leaves a credential of its name that trusts something else to a person', async () => {
    const other = CREDENTIAL.replace(PRINCIPAL, PRINCIPAL.toUpperCase());
    const { status, errors, calls } = await run(
      allThere({ when: ['GET', 'federatedIdentityCredentials'], output: other }),
    );
    expect([status, changes(calls)]).toEqual([1, []]);
    expect(errors).toContain('az ad app federated-credential delete');
  });

  test.each([
    [['--name', "x' or 'y"], /The name must have/],
    [['--source', 'sentinel'], /The source must be/],
    [['--nope'], /Unknown argument: --nope/],
    [['--name'], /--name needs a value/],
  ])('refuses %j before it asks anybody', async (args, words) => {
    const { status, errors, calls } = await run([], ...args);
    expect([status, calls]).toEqual([2, []]);
    expect(errors).toMatch(words);
  });
});
