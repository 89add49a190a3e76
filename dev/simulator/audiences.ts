/** Names under which tokens for the API of any cloud are asked for. */
const DEFENDER_AUDIENCES = new Set([
  'https://api.securitycenter.microsoft.com',
  'https://securitycenter.onmicrosoft.com/windowsatpservice',
  'https://securitycenter.onmicrosoft.us/windowsatpservice',
  'https://api-gcc.securitycenter.microsoft.us',
  'https://api-gov.securitycenter.microsoft.us',
]);

/** Whether a token for this audience is one for the Defender API, and not for storage or another service. */
export function isDefenderAudience(audience: string): boolean {
  return DEFENDER_AUDIENCES.has(audience.replace(/\/$/, ''));
}
