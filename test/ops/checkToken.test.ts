import { describe, expect, test } from 'vitest';
import { checkDefenderToken } from '#ops/check/checkToken.ts';

const AUDIENCE = 'https://api.securitycenter.microsoft.com';

/** What the check says of a token with these claims. */
async function findingsFor(claims: object | string, { polls = false, lists = false } = {}) {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  const token = typeof claims === 'string' ? claims : `header.${payload}.signature`;
  const tokens = { get: async () => token, renew: async () => token };
  const findings = await checkDefenderToken(tokens, `${AUDIENCE}/.default`, { polls, lists });
  expect(JSON.stringify(findings)).not.toContain(token);
  return Object.fromEntries(findings.map((finding) => [finding.subject, finding]));
}

const claims = { aud: AUDIENCE, appid: 'app-1', oid: 'object-1', iat: 1_790_000_000, exp: 1_790_003_600 };

test.each([[AUDIENCE], [`${AUDIENCE}/`], ['fc780465-2017-40d4-a0c5-307022471b92']])(
  'a token for %s is for the Defender API',
  async (aud) => {
    expect((await findingsFor({ ...claims, aud })).token?.status).toBe('ok');
  },
);

test.each([[['Machine.Read.All']], [['Alert.Read.All', 'Machine.ReadWrite.All']]])(
  'the roles %j are enough',
  async (roles) => {
    expect((await findingsFor({ ...claims, roles })).role?.status).toBe('ok');
  },
);

test('another role is not enough, and the command that grants the right one names the identity', async () => {
  const { role } = await findingsFor({ ...claims, roles: ['Alert.Read.All'] });
  expect(role).toMatchObject({
    status: 'problem',
    detail: 'Machine.Read.All is not in the token, which has Alert.Read.All',
  });
  expect(role?.advice).toContain('  bash infra/grant-permissions.sh --principal-id object-1');
});

test.each([
  ['Machine.Read user_impersonation', 'ok'],
  ['user_impersonation', 'problem'],
])("an operator's own sign-in with %s says nothing about the app's roles: %s", async (scp, status) => {
  const { role } = await findingsFor({ ...claims, scp });
  expect(role?.status).toBe(status);
  expect(role?.detail).toContain("the roles of the app's identity do not show here");
  expect(role?.advice?.join('\n')).toContain('infra/grant-permissions.sh --principal-id');
});

test('a token that cannot be read is no problem in itself, but says nothing about roles', async () => {
  const { token, role } = await findingsFor('opaque-token-text');
  expect([token?.status, role?.status]).toEqual(['ok', 'unknown']);
});

describe('where many alerts at once are looked up by lists', () => {
  test.each([
    [['Machine.Read.All'], 'note', 'infra/grant-permissions.sh --principal-id object-1 --with-poller'],
    [['Machine.Read.All', 'Alert.Read.All'], 'ok', 'by lists'],
  ])('the roles %j make the line about lists %s', async (roles, status, words) => {
    const findings = await findingsFor({ ...claims, roles }, { lists: true });
    expect(findings['list role']).toMatchObject({ status, detail: expect.stringContaining(words) });
    expect(findings.role?.status).toBe('ok');
  });

  test('nothing is said of it where the poller needs the role anyway, or the token is a person’s', async () => {
    const polled = await findingsFor(
      { ...claims, roles: ['Machine.Read.All'] },
      { polls: true, lists: true },
    );
    const person = await findingsFor({ ...claims, scp: 'Machine.Read' }, { lists: true });
    expect([polled['list role'], person['list role']]).toEqual([undefined, undefined]);
  });
});

describe('when the poller is on', () => {
  test.each([
    [['Machine.Read.All'], 'problem'],
    [['Machine.Read.All', 'Alert.Read.All'], 'ok'],
    [['Machine.Read.All', 'Alert.ReadWrite.All'], 'ok'],
  ])('the roles %j are, for its role, %s', async (roles, status) => {
    const findings = await findingsFor({ ...claims, roles }, { polls: true });
    expect([findings.role?.status, findings['poller role']?.status]).toEqual(['ok', status]);
  });

  test('the command that grants its role names that role', async () => {
    const findings = await findingsFor({ ...claims, roles: ['Machine.Read.All'] }, { polls: true });
    expect(findings['poller role']?.detail).toContain('Alert.Read.All is not in the token');
    expect(findings['poller role']?.advice?.join('\n')).toContain('--with-poller');
  });

  test('nobody can tell without a token that can be read', async () => {
    expect((await findingsFor('opaque-token-text', { polls: true }))['poller role']?.status).toBe('unknown');
  });
});

test('while the poller is off its role is not asked for', async () => {
  expect(await findingsFor({ ...claims, roles: ['Machine.Read.All'] })).not.toHaveProperty('poller role');
});
