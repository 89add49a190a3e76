import { describe, expect, test } from 'vitest';
import { type AzAnswer, runWithAz } from './azStandIn.ts';
import { formsOf, type Options, type ScriptForm } from './scriptForms.ts';

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

const forms = formsOf('infra/register-app');

const changes = (calls: readonly (readonly string[])[]) =>
  calls.map((call) => call.join(' ')).filter((call) => / POST | permission add /.test(` ${call} `));

/** What may be wrong with what is there, and what the script says then. */
const refusals: [string, AzAnswer, RegExp][] = [
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
  [
    'Azure CLI names no good address of Graph',
    { when: ['cloud show'], output: 'http://graph.microsoft.com/' },
    /does not say where this cloud has Microsoft Graph \(got 'http:/,
  ],
  [
    'Azure CLI names no cloud',
    { when: ['cloud show'], output: 'https://graph.microsoft.com/', status: 1 },
    /\(got ''\)/,
  ],
  [
    'the cloud has no Defender',
    { when: ['cloud show'], output: 'https://microsoftgraph.chinacloudapi.cn' },
    /chinacloudapi\.cn\) is none that Defender for Endpoint is served in/,
  ],
  [
    'the Defender API has no such role for applications',
    { when: ['GET', "appId eq 'fc780465"], output: lines('Machine.Read.All') },
    /no application role named Alert\.Read\.All/,
  ],
  [
    'the person may not add permissions',
    { when: ['permission add'], error: 'ERROR: Forbidden', status: 1 },
    /You may not change the permissions of the registration in tenant/,
  ],
  [
    'the sign-in needs another factor',
    { when: ['GET', 'applications?$filter=displayName eq'], error: 'ERROR: AADSTS50076', status: 1 },
    /did not read the app registrations[\s\S]*az login --tenant [\s\S]*AADSTS50076/,
  ],
  [
    'the federated credential is refused',
    { when: ['POST', 'federatedIdentityCredentials'], error: 'ERROR: Bad Request', status: 1 },
    /did not make a federated credential[\s\S]*Bad Request/,
  ],
];

const ofAnother = CREDENTIAL.replace(PRINCIPAL, PRINCIPAL.toUpperCase());

describe.each(forms)('$name', (form) => {
  const run = (
    answers: readonly AzAnswer[],
    options: Options = {},
    settings: Readonly<Record<string, string>> = {},
  ) => runWithAz(form.start({ principalId: PRINCIPAL, ...options }), answers, settings);

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
    const { status, calls } = await run(allThere(), { source: 'auto' });
    expect(status).toBe(0);
    expect(changes(calls).map((call) => /role-\d\d/.exec(call)?.[0])).toEqual(['role-03', 'role-04']);
  });

  test('makes nothing in a dry run', async () => {
    const { status, output, calls } = await run(nothingThere(), { dryRun: true, source: 'auto' });
    expect([status, changes(calls)]).toEqual([0, []]);
    expect(output.match(/dry run/g)).toHaveLength(6);
  });

  test('takes issuer and audience of Azure Government there', async () => {
    const { calls } = await run(nothingThere({ when: ['cloud show'], output: 'https://graph.microsoft.us' }));
    const credential = changes(calls).at(-1);
    expect(credential).toContain(`"issuer":"https://login.microsoftonline.us/${TENANT}/v2.0"`);
    expect(credential).toContain('api://AzureADTokenExchangeUSGov');
  });

  test.each(refusals)('says what to do when %s', async (_, answer, words) => {
    const { status, errors } = await run(nothingThere(answer));
    expect(status).toBe(1);
    expect(errors).toMatch(words);
  });

  test('leaves a credential of its name that trusts something else to a person', async () => {
    const { status, errors, calls } = await run(
      allThere({ when: ['GET', 'federatedIdentityCredentials'], output: ofAnother }),
    );
    expect([status, changes(calls)]).toEqual([1, []]);
    expect(errors).toContain('az ad app federated-credential delete');
  });

  test('gives a new registration the name that it is told, and looks for one of that name', async () => {
    const { status, calls } = await run(nothingThere(), { name: 'Alerts 2.0_a-b' });
    expect(status).toBe(0);
    expect(calls.flat()).toContainEqual(expect.stringContaining("displayName eq 'Alerts 2.0_a-b'&"));
    expect(changes(calls)[0]).toContain('"displayName":"Alerts 2.0_a-b"');
  });

  test('takes identity and source from the environment, as azd sets them', async () => {
    const settings = { AZURE_IDENTITY_PRINCIPAL_ID: PRINCIPAL, ENRICHMENT_SOURCE: 'graph' };
    const { status, calls } = await run(nothingThere(), { principalId: undefined }, settings);
    expect(status).toBe(0);
    expect(changes(calls).map((call) => /role-\d\d|POST/.exec(call)?.[0])).toEqual([
      'POST',
      'role-03',
      'role-04',
      'POST',
    ]);
  });

  test('reads lines that end as they do on Windows', async () => {
    const answers = allThere().map((answer) => ({
      ...answer,
      output: (answer.output ?? '').replace(/\n|$/g, '\r\n'),
    }));
    const { status, errors, calls } = await run(answers);
    expect([status, errors, changes(calls)]).toEqual([0, '', []]);
  });

  test.each<[Options, RegExp]>([
    [{ name: "x' or 'y" }, /The name must have/],
    [{ name: 'x"y' }, /The name must have/],
    [{ name: 'x&y' }, /The name must have/],
    [{ name: '' }, /The name must have/],
    [{ source: 'sentinel' }, /The source must be/],
    [{ source: 'Graph' }, /The source must be/],
    [{ principalId: `${PRINCIPAL}\n` }, /must be a GUID/],
    [{ principalId: `${PRINCIPAL}' or id eq '${PRINCIPAL}` }, /must be a GUID/],
    [{ principalId: undefined }, /AZURE_IDENTITY_PRINCIPAL_ID/],
  ])('refuses %j before it asks anybody', async (options, words) => {
    const { status, errors, calls } = await run([], options);
    expect([status, calls]).toEqual([2, []]);
    expect(errors).toMatch(words);
  });

  test.each([form.option('nope'), 'auto', '--dry-run=true'])('does not know %j', async (word) => {
    const script = form.startWith(form.option('principalId'), PRINCIPAL, word);
    const { status, errors, calls } = await runWithAz(script, []);
    expect([status, calls]).toEqual([2, []]);
    expect(errors).toContain(`Unknown argument: ${word}\n`);
  });

  test('refuses an option without its value before it asks anybody', async () => {
    const script = form.startWith(form.option('principalId'), PRINCIPAL, form.option('name'));
    const { status, errors, calls } = await runWithAz(script, []);
    // PowerShell itself says so, with its own status.
    expect([status, calls]).toEqual([form.name.endsWith('.ps1') ? 1 : 2, []]);
    expect(errors).toMatch(/--name needs a value|Missing an argument for parameter 'Name'/);
  });

  test('explains itself', async () => {
    const { status, output, errors, calls } = await runWithAz(form.help, []);
    expect({ status, errors, calls }).toEqual({ status: 0, errors: '', calls: [] });
    for (const name of ['principalId', 'name', 'source', 'dryRun']) {
      expect(output).toContain(form.option(name));
    }
    expect(output).toContain('Ends with 0');
  });
});

describe.each(forms.slice(1).map((other) => [other.name, other] as const))('%s', (_, other) => {
  test.each<[string, AzAnswer[], Options]>([
    ['nothing is there', nothingThere(), {}],
    ['nothing is there, in a dry run', nothingThere(), { dryRun: true, source: 'auto' }],
    ['everything is there', allThere(), {}],
    ['roles of Graph are to be added', allThere(), { source: 'auto' }],
    [
      'it is Azure Government',
      nothingThere({ when: ['cloud show'], output: 'https://graph.microsoft.us' }),
      {},
    ],
    [
      'a credential trusts something else',
      allThere({ when: ['GET', 'federatedIdentityCredentials'], output: ofAnother }),
      {},
    ],
    ...refusals.map(([name, answer]): [string, AzAnswer[], Options] => [name, nothingThere(answer), {}]),
    ['it is told no identity', [], { principalId: undefined }],
    ['it is told a bad name', [], { name: '&' }],
  ])(`asks and says the same as ${forms[0]?.name} when %s`, async (_, answers, options) => {
    const run = (form: ScriptForm) => runWithAz(form.start({ principalId: PRINCIPAL, ...options }), answers);
    const [bash, ended] = await Promise.all([run(forms[0] as ScriptForm), run(other)]);
    const inBash = (text: string) =>
      ['principalId', 'name'].reduce(
        (result, name) => result.replaceAll(other.option(name), forms[0]?.option(name) ?? ''),
        text,
      );
    expect({ ...ended, output: inBash(ended.output), errors: inBash(ended.errors) }).toEqual(bash);
  });
});
