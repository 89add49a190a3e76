import { graphApiUrls } from './clouds.ts';

/** An address that may be handed a token. */
export interface ApiUrl {
  /** Scheme, host and port, without a slash at the end. */
  origin: string;
  servedBy: 'microsoft' | 'loopback';
}

/** Domains whose subdomains are all Microsoft's security services. */
const DEFENDER_DOMAINS = [
  'api.security.microsoft.com',
  'securitycenter.microsoft.com',
  'securitycenter.windows.com',
  'securitycenter.microsoft.us',
  'security.microsoft.us',
];

const GRAPH_HOSTS: ReadonlySet<string> = new Set(
  Object.values(graphApiUrls).map((url) => new URL(url).hostname),
);

/** `URL` has brought every spelling of an IPv4 address (`127.1`, `0x7f000001`) to four decimal numbers by now. */
export const LOOPBACK_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Reads the address of a Defender API; undefined for any that must not see a token for it. */
export function parseDefenderUrl(text: string): ApiUrl | undefined {
  return parseApiUrl(text, isDefenderHost);
}

/** Reads the address of Microsoft Graph; undefined for any that must not see a token for it. */
export function parseGraphUrl(text: string): ApiUrl | undefined {
  return parseApiUrl(text, (host) => GRAPH_HOSTS.has(host));
}

/**
 * Whoever gets the token can use it, so that is https to the service's own hosts, or a server on this machine; whether
 * the latter is wanted is for the caller to say.
 */
function parseApiUrl(text: string, isOwnHost: (host: string) => boolean): ApiUrl | undefined {
  // User info, query and fragment, and the characters that make a host look like another, have no place here.
  if (/[@?#\\\s]/.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, hostname, pathname, origin } = new URL(text);
  if (pathname !== '/') return undefined;
  if (protocol === 'https:' && isOwnHost(hostname)) return { origin, servedBy: 'microsoft' };
  if (/^https?:$/.test(protocol) && LOOPBACK_HOST.test(hostname)) return { origin, servedBy: 'loopback' };
  return undefined;
}

function isDefenderHost(host: string): boolean {
  return (
    host === 'api.security.microsoft.com' || DEFENDER_DOMAINS.some((domain) => host.endsWith(`.${domain}`))
  );
}
