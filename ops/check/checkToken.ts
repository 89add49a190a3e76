import type { AccessTokens } from '#shared/sources/accessToken.ts';
import { readTokenClaims, type TokenClaims } from '#shared/sources/accessToken.ts';
import { ALERT_LOOK_UPS, HUNTING_LOOK_UPS } from '#shared/sources/graph/graphLookUps.ts';
import { timeOf } from '../words.ts';
import { type Finding, note, ok, problem, unknown } from './finding.ts';

/** An API as the lines about its token name it. */
interface TokenApi {
  /** Begins the subjects of its lines; empty for the API that has no name of its own there. */
  prefix: '' | 'Graph ';
  /** The API as an application in every tenant. */
  appId: string;
  scopeSetting: string;
}

/** WindowsDefenderATP. */
const DEFENDER: TokenApi = {
  prefix: '',
  appId: 'fc780465-2017-40d4-a0c5-307022471b92',
  scopeSetting: 'DEFENDER_TOKEN_SCOPE',
};
const GRAPH: TokenApi = {
  prefix: 'Graph ',
  appId: '00000003-0000-0000-c000-000000000000',
  scopeSetting: 'GRAPH_TOKEN_SCOPE',
};

/** An application role that the app needs. */
interface Need {
  subject: string;
  role: string;
  /** Any of these is enough. */
  roles: readonly string[];
  /** What a person's own sign-in carries instead. */
  scopes: readonly string[];
  /** What the script that grants it must be told. */
  grantOption: '' | ' --with-poller' | ' --source graph' | ' --source auto';
}

const LOOK_UPS: Need = { subject: 'role', ...permissionsFor('Machine'), grantOption: '' };
const POLLER: Need = { subject: 'poller role', ...permissionsFor('Alert'), grantOption: ' --with-poller' };
const GRAPH_ALERTS: Omit<Need, 'grantOption'> = {
  subject: 'Graph alert role',
  role: 'SecurityAlert.Read.All',
  roles: ALERT_LOOK_UPS.roles,
  scopes: ALERT_LOOK_UPS.roles,
};
const GRAPH_HUNTING: Omit<Need, 'grantOption'> = {
  subject: 'Graph hunting role',
  role: 'ThreatHunting.Read.All',
  roles: HUNTING_LOOK_UPS.roles,
  scopes: HUNTING_LOOK_UPS.roles,
};

const NO_TOKEN = 'there is no token';
const OWN_TOKEN_ADVICE = [
  'In Azure: give the app an identity, and name it in AZURE_CLIENT_ID if it is user-assigned.',
  'Elsewhere: sign in, for example with "az login".',
];

/**
 * Whether a token for the Defender API can be had, for what, and whether it carries the role. The token itself is not
 * shown.
 * @param options.polls Whether the poller is on, which needs a role of its own.
 * @param options.lists Whether many alerts at once are looked up by lists, for which that role is of use.
 */
export async function checkDefenderToken(
  tokens: AccessTokens,
  tokenScope: string,
  { polls, lists }: { polls: boolean; lists: boolean },
): Promise<Finding[]> {
  const findings = await checkToken(DEFENDER, tokens, tokenScope, polls ? [LOOK_UPS, POLLER] : [LOOK_UPS]);
  return lists && !polls ? [...findings, ...(await listRole(tokens))] : findings;
}

/** What the poller's role would give where there is no poller: nothing is wrong without it. */
async function listRole(tokens: AccessTokens): Promise<Finding[]> {
  const token = await tokens.get().catch(() => undefined);
  const claims = token === undefined ? undefined : readTokenClaims(token);
  if (claims === undefined || claims.scopes !== undefined) {
    return [];
  }
  const subject = 'list role';
  return POLLER.roles.some((name) => claims.roles.includes(name))
    ? [ok(subject, `${POLLER.role}: an outbreak of alerts is looked up by lists, with a few calls`)]
    : [
        note(
          subject,
          `${POLLER.role} is not granted. With it 10,000 alerts at once take some 70 calls and minutes; without it each takes a call of its own (6 h 40 min), but for those that name their device. To grant it: ${tokens.grants ?? grantCommand(POLLER, claims.objectId)}`,
        ),
      ];
}

/**
 * Whether a token for Microsoft Graph can be had, and whether it carries the roles. For ENRICHMENT_SOURCE `graph` and
 * `auto`.
 */
export function checkGraphToken(
  tokens: AccessTokens,
  tokenScope: string,
  choice: 'graph' | 'auto',
): Promise<Finding[]> {
  const grantOption = ` --source ${choice}` as const;
  const needs = [GRAPH_ALERTS, GRAPH_HUNTING].map((need) => ({ ...need, grantOption }));
  return checkToken(GRAPH, tokens, tokenScope, needs);
}

async function checkToken(
  api: TokenApi,
  tokens: AccessTokens,
  tokenScope: string,
  needs: readonly Need[],
): Promise<Finding[]> {
  const subject = api.prefix === '' ? 'token' : `${api.prefix}token`;
  let token: string;
  try {
    token = await tokens.get();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [
      problem(
        subject,
        `none: ${message.slice(0, 600)}`,
        ...(tokens.grants === undefined ? OWN_TOKEN_ADVICE : []),
      ),
      ...needs.map((need) => unknown(need.subject, NO_TOKEN)),
    ];
  }
  const claims = readTokenClaims(token);
  if (claims === undefined) {
    const detail = 'it is of a form that cannot be read here';
    return [ok(subject, `obtained; ${detail}`), ...needs.map((need) => unknown(need.subject, detail))];
  }
  return [
    audienceFinding(subject, api, claims, tokenScope),
    ...needs.map((need) => roleFinding(claims, need, tokens.grants)),
  ];
}

function audienceFinding(
  subject: string,
  api: TokenApi,
  { audience, appId, expiresAt }: TokenClaims,
  tokenScope: string,
): Finding {
  const wanted = tokenScope.replace(/\/\.default$/, '');
  const isRight = [wanted, api.appId].includes(audience.replace(/\/$/, ''));
  const detail = `for ${audience}, of application ${appId}, good until ${timeOf(expiresAt)}`;
  return isRight
    ? ok(subject, detail)
    : problem(subject, detail, `It should be for ${wanted}. Check ${api.scopeSetting} and DEFENDER_CLOUD.`);
}

function permissionsFor(entity: string): Pick<Need, 'role' | 'roles' | 'scopes'> {
  const roles = [`${entity}.Read.All`, `${entity}.ReadWrite.All`];
  const scopes = [`${entity}.Read`, `${entity}.ReadWrite`, ...roles];
  return { role: `${entity}.Read.All`, roles, scopes };
}

/** @param grants How a customer's tenant grants roles; undefined for the home tenant. */
function roleFinding(
  { roles, scopes, objectId, issuedAt, expiresAt }: TokenClaims,
  need: Need,
  grants: string | undefined,
): Finding {
  const { subject, role } = need;
  if (scopes !== undefined) {
    return ownSignInFinding(scopes, need);
  }
  if (need.roles.some((name) => roles.includes(name))) {
    return ok(subject, roles.join(', '));
  }
  if (grants !== undefined) {
    return problem(subject, `${role} is not in the token, which has ${rolesText(roles)}`, grants);
  }
  return problem(
    subject,
    `${role} is not in the token, which has ${rolesText(roles)}`,
    'Grant it, as Application Administrator, in the tenant of the identity:',
    `  ${grantCommand(need, objectId)}`,
    `Granted already? This token is from ${timeOf(issuedAt)} and good until ${timeOf(expiresAt)}: a role granted later is in the next one. Azure keeps the tokens of a managed identity for up to a day; the app asks for a new one with each probe.`,
  );
}

function rolesText(roles: readonly string[]): string {
  return roles.length === 0 ? 'no roles' : roles.join(', ');
}

/** A person's own sign-in says nothing about what the app may do. */
function ownSignInFinding(scopes: readonly string[], need: Need): Finding {
  const { subject } = need;
  const isEnough = scopes.some((scope) => need.scopes.includes(scope));
  const detail = `your own sign-in with ${scopes.join(', ')}; the roles of the app's identity do not show here`;
  const advice = ["Whether the app's identity has its role:", `  ${grantCommand(need)} --dry-run`];
  return isEnough ? { ...ok(subject, detail), advice } : problem(subject, detail, ...advice);
}

function grantCommand({ grantOption }: Need, principalId = '<principal ID of the identity>'): string {
  return `bash infra/grant-permissions.sh --principal-id ${principalId}${grantOption}`;
}
