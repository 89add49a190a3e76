import { describe, expect, test } from 'vitest';
import { type AzAnswer, command, runWithAz, type ScriptRun } from './azStandIn.ts';
import { formsOf, type Options } from './scriptForms.ts';

const PRINCIPAL = '11111111-2222-3333-4444-555555555555';
const TENANT = 'aaaaaaaa-0000-0000-0000-000000000001';
const DEFENDER = 'bbbbbbbb-0000-0000-0000-000000000002';
const MACHINE_ROLE = 'cccccccc-0000-0000-0000-000000000003';
const ALERT_ROLE = 'dddddddd-0000-0000-0000-000000000004';
const GRAPH = 'eeeeeeee-0000-0000-0000-000000000005';
const SECURITY_ALERT_ROLE = 'ffffffff-0000-0000-0000-000000000006';
const HUNTING_ROLE = 'ffffffff-0000-0000-0000-000000000007';
const FORBIDDEN =
  'ERROR: Forbidden({"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}})';

/** What Azure CLI answers where the call matters to a test; the rest is as in a tenant in which all is well. */
const usual: Record<string, AzAnswer> = {
  account: { when: ['account show'], output: `${TENANT}\n` },
  cloud: { when: ['cloud show'], output: 'https://graph.microsoft.com/\n' },
  roles: {
    when: ['GET', 'fc780465-2017-40d4-a0c5-307022471b92', '$select=appRoles'],
    output: `Alert.Read.All\t${ALERT_ROLE}\r\nMachine.Read.All\t${MACHINE_ROLE}\r\n`,
  },
  defender: {
    when: ['GET', "appId eq 'fc780465-2017-40d4-a0c5-307022471b92'", '$select=id'],
    output: `${DEFENDER}\n`,
  },
  identity: { when: ['GET', `id eq '${PRINCIPAL}'`], output: 'enrichment-identity\n' },
  held: {
    when: ['GET', `servicePrincipals/${PRINCIPAL}/appRoleAssignments?$filter=resourceId eq ${DEFENDER}`],
  },
  graphRoles: {
    when: ['GET', '00000003-0000-0000-c000-000000000000', '$select=appRoles'],
    output: `ThreatHunting.Read.All\t${HUNTING_ROLE}\nUser.Read.All\tother\nSecurityAlert.Read.All\t${SECURITY_ALERT_ROLE}\n`,
  },
  graph: {
    when: ['GET', "appId eq '00000003-0000-0000-c000-000000000000'", '$select=id'],
    output: `${GRAPH}\n`,
  },
  heldOfGraph: {
    when: ['GET', `servicePrincipals/${PRINCIPAL}/appRoleAssignments?$filter=resourceId eq ${GRAPH}`],
  },
  grant: { when: ['POST', `servicePrincipals/${PRINCIPAL}/appRoleAssignments`], output: 'new-assignment\n' },
};

const forms = formsOf('infra/grant-permissions');

const postsOf = ({ calls }: ScriptRun) => calls.filter((call) => call.includes('POST'));
const bodyOf = (call: readonly string[]): unknown => JSON.parse(call[call.indexOf('--body') + 1] ?? '');
const withoutBlanks = (text: string): string => text.replace(/\s+/g, ' ');

describe.each(forms)('$name', ({ start }) => {
  const run = (
    changes: Record<string, AzAnswer | readonly AzAnswer[]> = {},
    options: Options = { principalId: PRINCIPAL },
    settings: Record<string, string> = {},
  ) => runWithAz(start(options), Object.values({ ...usual, ...changes }).flat(), settings);

  test('grants Machine.Read.All, and nothing else, where nothing is granted', async () => {
    const ended = await run();
    expect(ended).toMatchObject({ status: 0, errors: '' });
    expect(postsOf(ended).map(bodyOf)).toEqual([
      { principalId: PRINCIPAL, resourceId: DEFENDER, appRoleId: MACHINE_ROLE },
    ]);
    expect(withoutBlanks(ended.output)).toContain('Machine.Read.All granted');
    expect(ended.output).toContain('enrichment-identity');
    expect(ended.output).toContain('24 hours');
    expect(ended.output).toContain('npm run ops -- check');
  });

  test('posts nothing where the role is granted already', async () => {
    const ended = await run({
      held: { ...usual.held, when: usual.held?.when ?? [], output: `${MACHINE_ROLE}\tx\n` },
    });
    expect(ended).toMatchObject({ status: 0, errors: '' });
    expect(postsOf(ended)).toEqual([]);
    expect(withoutBlanks(ended.output)).toContain('Machine.Read.All already granted');
    expect(ended.output).not.toContain('24 hours');
  });

  test('takes a grant that somebody else made meanwhile as granted already', async () => {
    const error =
      'ERROR: Bad Request({"error":{"message":"Permission being assigned already exists on the object"}})';
    const ended = await run({ grant: { when: ['POST'], error, status: 1 } });
    expect(ended.status).toBe(0);
    expect(withoutBlanks(ended.output)).toContain('Machine.Read.All already granted');
  });

  test.each([
    ['by argument', { principalId: PRINCIPAL, withPoller: true }, {}],
    ['by the app setting', { principalId: PRINCIPAL }, { ALERT_POLL_SCHEDULE: '0 */5 * * * *' }],
  ])('grants Alert.Read.All as well when the poller is on %s', async (_, options, settings) => {
    const ended = await run({}, options, settings);
    expect(ended).toMatchObject({ status: 0, errors: '' });
    expect(postsOf(ended).map(bodyOf)).toEqual([
      { principalId: PRINCIPAL, resourceId: DEFENDER, appRoleId: MACHINE_ROLE },
      { principalId: PRINCIPAL, resourceId: DEFENDER, appRoleId: ALERT_ROLE },
    ]);
  });

  const ofGraph = [SECURITY_ALERT_ROLE, HUNTING_ROLE].map((appRoleId) => ({
    principalId: PRINCIPAL,
    resourceId: GRAPH,
    appRoleId,
  }));
  const ofDefender = [MACHINE_ROLE, ALERT_ROLE].map((appRoleId) => ({
    principalId: PRINCIPAL,
    resourceId: DEFENDER,
    appRoleId,
  }));

  test.each([
    ['graph', { source: 'graph', withPoller: true }, {}, ofGraph],
    ['graph, by the app setting', {}, { ENRICHMENT_SOURCE: 'graph' }, ofGraph],
    ['auto', { source: 'auto', withPoller: true }, {}, [...ofDefender, ...ofGraph]],
    [
      'defender, whatever the setting',
      { source: 'defender' },
      { ENRICHMENT_SOURCE: 'auto' },
      [ofDefender[0]],
    ],
  ])('grants what the source needs, the least first: %s', async (_, options, settings, bodies) => {
    const ended = await run({}, { principalId: PRINCIPAL, ...options }, settings);
    expect(ended).toMatchObject({ status: 0, errors: '' });
    expect(postsOf(ended).map(bodyOf)).toEqual(bodies);
  });

  test('needs no Defender API where the source is graph', async () => {
    const ended = await run(
      { defender: { when: usual.defender?.when ?? [] } },
      { principalId: PRINCIPAL, source: 'graph' },
    );
    expect(ended).toMatchObject({ status: 0, errors: '' });
  });

  test('names who may grant permissions of Microsoft Graph, and the source in the command to run', async () => {
    const ended = await run(
      { grant: { when: ['POST'], error: FORBIDDEN, status: 1 } },
      { principalId: PRINCIPAL, source: 'graph' },
    );
    expect(ended.status).toBe(1);
    expect(ended.errors).toContain('NOT GRANTED: SecurityAlert.Read.All');
    expect(ended.errors).toContain('the Microsoft Entra role Privileged Role Administrator has');
    expect(ended.errors).toMatch(/(--source|-Source) graph\n/);
  });

  test('refuses a source that it does not know', async () => {
    const ended = await run({}, { principalId: PRINCIPAL, source: 'Graph' });
    expect(ended).toMatchObject({ status: 2, calls: [] });
    expect(ended.errors).toContain('defender, graph or auto');
  });

  test('takes an empty schedule as a poller that is off', async () => {
    expect(postsOf(await run({}, { principalId: PRINCIPAL }, { ALERT_POLL_SCHEDULE: '' }))).toHaveLength(1);
  });

  test('tells of a right that is not needed any more and how to take it away, and leaves it', async () => {
    const output = `${MACHINE_ROLE}\tkept\n${ALERT_ROLE}\tassignment-of-alerts\n`;
    const ended = await run({ held: { when: ['GET', '/appRoleAssignments?'], output } });
    expect(ended.status).toBe(0);
    expect(withoutBlanks(ended.output)).toContain('Alert.Read.All granted, but the app does not need it');
    expect(ended.output).toContain(
      `az rest --method DELETE --url "https://graph.microsoft.com/v1.0/servicePrincipals/${PRINCIPAL}/appRoleAssignments/assignment-of-alerts"`,
    );
    expect(ended.output).not.toContain('appRoleAssignments/kept');
    expect(ended.calls.flat()).not.toContain('DELETE');
  });

  test('takes the identity from AZURE_IDENTITY_PRINCIPAL_ID, as azd gives it to a hook', async () => {
    const ended = await run({}, {}, { AZURE_IDENTITY_PRINCIPAL_ID: PRINCIPAL });
    expect(ended.status).toBe(0);
    expect(postsOf(ended)).toHaveLength(1);
  });

  test('grants nothing in a dry run, and says what it would grant', async () => {
    const ended = await run({}, { principalId: PRINCIPAL, withPoller: true, dryRun: true });
    expect(ended).toMatchObject({ status: 0, errors: '' });
    expect(postsOf(ended)).toEqual([]);
    expect(withoutBlanks(ended.output)).toContain('Machine.Read.All missing; would be granted');
    expect(withoutBlanks(ended.output)).toContain('Alert.Read.All missing; would be granted');
  });

  test('says so when the tenant has no service principal of the Defender API', async () => {
    const ended = await run({ defender: { when: usual.defender?.when ?? [] } });
    expect(ended.status).toBe(1);
    expect(ended.errors).toContain('no service principal of the Defender API');
    expect(ended.errors).toContain(TENANT);
    expect(postsOf(ended)).toEqual([]);
  });

  test('says so when the Defender API has no such role for applications', async () => {
    const ended = await run({
      roles: { when: usual.roles?.when ?? [], output: `Alert.Read.All\t${ALERT_ROLE}\n` },
    });
    expect(ended.status).toBe(1);
    expect(ended.errors).toContain('no application role named Machine.Read.All');
    expect(ended.calls.find((call) => call.join(' ').includes('$select=appRoles'))?.join(' ')).toContain(
      "contains(allowedMemberTypes, 'Application')",
    );
  });

  test('says so when nobody is signed in, and asks nothing further', async () => {
    const error = "ERROR: Please run 'az login' to setup account.";
    const ended = await run({ account: { when: ['account show'], error, status: 1 } });
    expect(ended.status).toBe(1);
    expect(ended.errors).toContain('not signed in');
    expect(ended.errors).toContain(error);
    expect(ended.calls).toHaveLength(1);
  });

  test('names the Entra roles that may grant when the caller may not', async () => {
    const ended = await run({ grant: { when: ['POST'], error: FORBIDDEN, status: 1 } });
    expect(ended.status).toBe(1);
    expect(ended.errors).toContain('NOT GRANTED: Machine.Read.All');
    expect(ended.errors).toContain(
      'Cloud Application Administrator, Application Administrator or Privileged',
    );
    expect(ended.errors).toContain(PRINCIPAL);
    expect(ended.output).not.toContain('24 hours');
  });

  test.each(['defender', 'roles', 'identity', 'held'] as const)(
    'says so when the caller may not read (%s)',
    async (subject) => {
      const ended = await run({
        [subject]: { when: usual[subject]?.when ?? [], error: FORBIDDEN, status: 1 },
      });
      expect(ended.status).toBe(1);
      expect(ended.errors).toContain('You may not read');
      expect(postsOf(ended)).toEqual([]);
    },
  );

  test('gives the words of Azure CLI when Graph fails in another way', async () => {
    const error =
      'ERROR: AADSTS50076: Due to a configuration change you must use multi-factor authentication.';
    const ended = await run({ identity: { when: usual.identity?.when ?? [], error, status: 1 } });
    expect(ended.status).toBe(1);
    expect(ended.errors).toContain(error);
    expect(ended.errors).toContain(`az login --tenant ${TENANT}`);
  });

  test('calls Microsoft Graph where the national cloud has it', async () => {
    const ended = await run({ cloud: { when: ['cloud show'], output: 'https://graph.microsoft.us/\r\n' } });
    expect(ended.status).toBe(0);
    const asked = ended.calls.filter((call) => call[0] === 'rest');
    expect(asked.length).toBeGreaterThan(3);
    for (const call of asked) {
      expect(call[call.indexOf('--url') + 1]).toMatch(
        /^https:\/\/graph\.microsoft\.us\/v1\.0\/servicePrincipals/,
      );
      expect(call[call.indexOf('--resource') + 1]).toBe('https://graph.microsoft.us/');
    }
  });

  test.each(['https://graph.microsoft.com/ --debug', '', 'http://graph.microsoft.com/'])(
    'goes no further when Azure CLI names no good address of Graph (%j)',
    async (output) => {
      const ended = await run({ cloud: { when: ['cloud show'], output } });
      expect(ended.status).toBe(1);
      expect(ended.calls).toHaveLength(2);
    },
  );

  test.each([
    `${PRINCIPAL}\n`,
    "x' or startswith(displayName,'a",
    `${PRINCIPAL}' or id eq '${PRINCIPAL}`,
    `${PRINCIPAL}/owners`,
    `$(touch /tmp/never)`,
    PRINCIPAL.slice(1),
  ])('refuses %j as a principal ID before it asks anything', async (principalId) => {
    const ended = await run({}, { principalId });
    expect(ended).toMatchObject({ status: 2, calls: [] });
    expect(ended.errors).toContain('must be a GUID');
  });

  test('says what is missing when it is told no identity', async () => {
    const ended = await run({}, {});
    expect(ended).toMatchObject({ status: 2, calls: [] });
    expect(ended.errors).toContain('AZURE_IDENTITY_PRINCIPAL_ID');
  });
});

describe.each(forms)('$name, waiting', ({ start }) => {
  const script = start({ principalId: PRINCIPAL });

  test('asks again for an identity that was made a moment ago', async () => {
    const answers = [{ when: usual.identity?.when ?? [], once: true }, ...Object.values(usual)];
    const ended = await runWithAz(script, answers);
    expect(ended).toMatchObject({ status: 0, pauses: ['10'] });
    expect(postsOf(ended)).toHaveLength(1);
  });

  test('gives up on an identity that stays unknown, and says what it may be', async () => {
    const ended = await runWithAz(
      script,
      Object.values({ ...usual, identity: { when: usual.identity?.when ?? [] } }),
    );
    expect(ended.status).toBe(1);
    expect(ended.pauses).toHaveLength(5);
    expect(ended.errors).toContain('client ID by mistake');
    expect(postsOf(ended)).toEqual([]);
  });
});

describe.each(forms)('$name, called wrongly', ({ startWith, option, help }) => {
  test.each([[option('nope')], [option('principalId'), PRINCIPAL, 'auto'], ['--dry-run=true']])(
    'does not know the last of %j',
    async (...words) => {
      const ended = await runWithAz(startWith(...words), []);
      expect(ended).toMatchObject({ status: 2, calls: [] });
      expect(ended.errors).toContain(`Unknown argument: ${words.at(-1)}\n`);
    },
  );

  test('explains itself', async () => {
    const ended = await runWithAz(help, []);
    expect(ended).toMatchObject({ status: 0, errors: '', calls: [] });
    for (const name of ['principalId', 'source', 'withPoller', 'dryRun']) {
      expect(ended.output).toContain(option(name));
    }
    expect(ended.output).toContain('Ends with 0');
  });
});

describe('grant-permissions.sh, called wrongly', () => {
  test.each([['--principal-id'], ['--source'], ['--principal-id', '', '--dry-run']])(
    'says so for %j',
    async (...args) => {
      const ended = await runWithAz(command('bash', 'infra/grant-permissions.sh', ...args), []);
      expect(ended).toMatchObject({ status: 2, calls: [] });
      expect(ended.errors).not.toBe('');
    },
  );
});
