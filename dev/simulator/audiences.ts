/** Names under which tokens for the Defender API of any cloud are asked for. */
const DEFENDER_AUDIENCES = new Set([
  'https://api.securitycenter.microsoft.com',
  'https://securitycenter.onmicrosoft.com/windowsatpservice',
  'https://securitycenter.onmicrosoft.us/windowsatpservice',
  'https://api-gcc.securitycenter.microsoft.us',
  'https://api-gov.securitycenter.microsoft.us',
]);

/** The same for Microsoft Graph; the last is its application ID. */
const GRAPH_AUDIENCES = new Set([
  'https://graph.microsoft.com',
  'https://graph.microsoft.us',
  'https://dod-graph.microsoft.us',
  '00000003-0000-0000-c000-000000000000',
]);

/** What a managed identity asks for a token to exchange, in each cloud. */
const EXCHANGE_AUDIENCES = new Set([
  'api://AzureADTokenExchange',
  'api://AzureADTokenExchangeUSGov',
  'api://AzureADTokenExchangeChina',
]);

/** App permissions of Microsoft Graph. Every other role is one of the Defender API: no name is in both. */
const GRAPH_ROLES = new Set([
  'SecurityAlert.Read.All',
  'SecurityAlert.ReadWrite.All',
  'SecurityIncident.Read.All',
  'SecurityIncident.ReadWrite.All',
  'ThreatHunting.Read.All',
]);

/** Whether a token for this audience is one for the Defender API, and not for storage or another service. */
export function isDefenderAudience(audience: string): boolean {
  return DEFENDER_AUDIENCES.has(audience.replace(/\/$/, ''));
}

/** Whether a token for this audience is one for Microsoft Graph. */
export function isGraphAudience(audience: string): boolean {
  return GRAPH_AUDIENCES.has(audience.replace(/\/$/, ''));
}

/** Whether a token for this audience is one to exchange for a token of another tenant. */
export function isExchangeAudience(audience: string): boolean {
  return EXCHANGE_AUDIENCES.has(audience);
}

/** Those of the roles that a token for this audience carries. */
export function rolesFor(audience: string, roles: Iterable<string>): string[] {
  return [...roles].filter((role) =>
    GRAPH_ROLES.has(role) ? isGraphAudience(audience) : isDefenderAudience(audience),
  );
}
