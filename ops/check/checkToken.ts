import type { AccessTokens } from '#shared/sources/accessToken.ts';
import { readTokenClaims, type TokenClaims } from '#shared/sources/accessToken.ts';
import { timeOf } from '../words.ts';
import { type Finding, ok, problem, unknown } from './finding.ts';

/** The Defender API as an application in every tenant: WindowsDefenderATP. */
const DEFENDER_APP_ID = 'fc780465-2017-40d4-a0c5-307022471b92';

/** An application role that the app needs. */
interface Need {
  subject: string;
  role: string;
  /** Any of these is enough. */
  roles: readonly string[];
  /** What a person's own sign-in carries instead. */
  scopes: readonly string[];
  /** What the script that grants it must be told. */
  grantOption: '' | ' --with-poller';
}

const LOOK_UPS: Need = { subject: 'role', ...permissionsFor('Machine'), grantOption: '' };
const POLLER: Need = { subject: 'poller role', ...permissionsFor('Alert'), grantOption: ' --with-poller' };

const NO_TOKEN = 'there is no token';

/**
 * Whether a token can be had, for what, and whether it carries the role. The token itself is not shown.
 * @param options.polls Whether the poller is on, which needs a role of its own.
 */
export async function checkToken(
  tokens: AccessTokens,
  tokenScope: string,
  { polls }: { polls: boolean },
): Promise<Finding[]> {
  const needs = polls ? [LOOK_UPS, POLLER] : [LOOK_UPS];
  let token: string;
  try {
    token = await tokens.get();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [
      problem(
        'token',
        `none: ${message.slice(0, 600)}`,
        'In Azure: give the app an identity, and name it in AZURE_CLIENT_ID if it is user-assigned.',
        'Elsewhere: sign in, for example with "az login".',
      ),
      ...needs.map(({ subject }) => unknown(subject, NO_TOKEN)),
    ];
  }
  const claims = readTokenClaims(token);
  if (claims === undefined) {
    const detail = 'it is of a form that cannot be read here';
    return [ok('token', `obtained; ${detail}`), ...needs.map(({ subject }) => unknown(subject, detail))];
  }
  return [audienceFinding(claims, tokenScope), ...needs.map((need) => roleFinding(claims, need))];
}

function audienceFinding({ audience, appId, expiresAt }: TokenClaims, tokenScope: string): Finding {
  const wanted = tokenScope.replace(/\/\.default$/, '');
  const isRight = [wanted, DEFENDER_APP_ID].includes(audience.replace(/\/$/, ''));
  const detail = `for ${audience}, of application ${appId}, good until ${timeOf(expiresAt)}`;
  return isRight
    ? ok('token', detail)
    : problem('token', detail, `It should be for ${wanted}. Check DEFENDER_TOKEN_SCOPE and DEFENDER_CLOUD.`);
}

function permissionsFor(entity: string): Pick<Need, 'role' | 'roles' | 'scopes'> {
  const roles = [`${entity}.Read.All`, `${entity}.ReadWrite.All`];
  const scopes = [`${entity}.Read`, `${entity}.ReadWrite`, ...roles];
  return { role: `${entity}.Read.All`, roles, scopes };
}

function roleFinding({ roles, scopes, objectId, issuedAt, expiresAt }: TokenClaims, need: Need): Finding {
  const { subject, role } = need;
  if (scopes !== undefined) {
    return ownSignInFinding(scopes, need);
  }
  if (need.roles.some((name) => roles.includes(name))) {
    return ok(subject, roles.join(', '));
  }
  return problem(
    subject,
    `${role} is not in the token, which has ${roles.length === 0 ? 'no roles' : roles.join(', ')}`,
    'Grant it, as Application Administrator, in the tenant of the identity:',
    `  ${grantCommand(need, objectId)}`,
    `Granted already? This token is from ${timeOf(issuedAt)} and good until ${timeOf(expiresAt)}: a role granted later is in the next one. Azure keeps the tokens of a managed identity for up to a day; the app asks for a new one with each probe.`,
  );
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
