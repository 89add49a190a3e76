import type { AccessTokens } from '../../shared/sources/defender/accessToken.ts';
import { timeOf } from '../words.ts';
import { type Finding, ok, problem, unknown } from './finding.ts';
import { readTokenClaims, type TokenClaims } from './tokenClaims.ts';

/** The Defender API as an application in every tenant: WindowsDefenderATP. */
const DEFENDER_APP_ID = 'fc780465-2017-40d4-a0c5-307022471b92';
const ROLE = 'Machine.Read.All';
const ROLES = [ROLE, 'Machine.ReadWrite.All'];
/** What a person's own sign-in carries instead. */
const SCOPES = ['Machine.Read', 'Machine.ReadWrite', ...ROLES];

const NO_TOKEN = 'there is no token';

/** Whether a token can be had, for what, and whether it carries the role. The token itself is not shown. */
export async function checkToken(tokens: AccessTokens, tokenScope: string): Promise<Finding[]> {
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
      unknown('role', NO_TOKEN),
    ];
  }
  const claims = readTokenClaims(token);
  if (claims === undefined) {
    const detail = 'it is of a form that cannot be read here';
    return [ok('token', `obtained; ${detail}`), unknown('role', detail)];
  }
  return [audienceFinding(claims, tokenScope), roleFinding(claims)];
}

function audienceFinding({ audience, appId, expiresAt }: TokenClaims, tokenScope: string): Finding {
  const wanted = tokenScope.replace(/\/\.default$/, '');
  const isRight = [wanted, DEFENDER_APP_ID].includes(audience.replace(/\/$/, ''));
  const detail = `for ${audience}, of application ${appId}, good until ${timeOf(expiresAt)}`;
  return isRight
    ? ok('token', detail)
    : problem('token', detail, `It should be for ${wanted}. Check DEFENDER_TOKEN_SCOPE and DEFENDER_CLOUD.`);
}

function roleFinding({ roles, scopes, objectId, issuedAt, expiresAt }: TokenClaims): Finding {
  if (scopes !== undefined) return ownSignInFinding(scopes);
  const found = roles.filter((role) => ROLES.includes(role));
  if (found.length > 0) return ok('role', `${roles.join(', ')}`);
  return problem(
    'role',
    `${ROLE} is not in the token, which has ${roles.length === 0 ? 'no roles' : roles.join(', ')}`,
    'Grant it, as Application Administrator, in the tenant of the identity:',
    ...grantCommand(objectId),
    `Granted already? This token is from ${timeOf(issuedAt)} and good until ${timeOf(expiresAt)}: a role granted later is in the next one. Azure keeps the tokens of a managed identity for up to a day; the app asks for a new one with each probe.`,
  );
}

/** A person's own sign-in says nothing about what the app may do. */
function ownSignInFinding(scopes: readonly string[]): Finding {
  const isEnough = scopes.some((scope) => SCOPES.includes(scope));
  const detail = `your own sign-in with ${scopes.join(', ')}; the roles of the app's identity do not show here`;
  const advice = [
    "The roles of the app's identity, MI being its object ID:",
    `  az rest --method GET --uri "https://graph.microsoft.com/v1.0/servicePrincipals/$MI/appRoleAssignments"`,
  ];
  return isEnough ? { ...ok('role', detail), advice } : problem('role', detail, ...advice);
}

function grantCommand(objectId = '<object ID of the identity>'): string[] {
  const show = `az ad sp show --id ${DEFENDER_APP_ID} -o tsv --query`;
  return [
    `  MI=${objectId}`,
    `  RES=$(${show} id)`,
    `  ROLE=$(${show} "appRoles[?value=='${ROLE}'].id|[0]")`,
    '  az rest --method POST --uri "https://graph.microsoft.com/v1.0/servicePrincipals/$MI/appRoleAssignments" \\',
    '    --headers Content-Type=application/json \\',
    '    --body "{\\"principalId\\":\\"$MI\\",\\"resourceId\\":\\"$RES\\",\\"appRoleId\\":\\"$ROLE\\"}"',
  ];
}
