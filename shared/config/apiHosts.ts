/** Where a cloud answers API calls, and for whom its tokens are made out. The two are not always the same host. */
export interface CloudEndpoint {
  apiUrl: string;
  tokenScope: string;
}

/**
 * Defender for Endpoint by cloud.
 *
 * Hosts: https://learn.microsoft.com/defender-endpoint/gov (government) and
 * https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list (commercial). Tokens of the commercial cloud are
 * made out for `https://api.securitycenter.microsoft.com`, whichever of its hosts is called. The audiences of the
 * government clouds are not documented: GCC takes its own host, and GCC High and DoD are set by analogy, which is one
 * reason why `DEFENDER_TOKEN_SCOPE` can override them.
 */
export const CLOUDS = {
  commercial: {
    apiUrl: 'https://api.securitycenter.microsoft.com',
    tokenScope: 'https://api.securitycenter.microsoft.com/.default',
  },
  gcc: {
    apiUrl: 'https://api-gcc.securitycenter.microsoft.us',
    tokenScope: 'https://api-gcc.securitycenter.microsoft.us/.default',
  },
  'gcc-high': {
    apiUrl: 'https://api-gov.securitycenter.microsoft.us',
    tokenScope: 'https://api-gov.securitycenter.microsoft.us/.default',
  },
  dod: {
    apiUrl: 'https://api-gov.securitycenter.microsoft.us',
    tokenScope: 'https://api-gov.securitycenter.microsoft.us/.default',
  },
} as const satisfies Record<string, CloudEndpoint>;

/**
 * Microsoft Graph by the same clouds: GCC takes the commercial host
 * (https://learn.microsoft.com/graph/deployments#microsoft-graph-and-graph-explorer-service-root-endpoints). Each host
 * is the audience of its tokens, too.
 */
export const GRAPH_API_URLS = {
  commercial: 'https://graph.microsoft.com',
  gcc: 'https://graph.microsoft.com',
  'gcc-high': 'https://graph.microsoft.us',
  dod: 'https://dod-graph.microsoft.us',
} as const satisfies Record<keyof typeof CLOUDS, string>;

export type Cloud = keyof typeof CLOUDS;
export const CLOUD_NAMES = Object.keys(CLOUDS) as Cloud[];

/**
 * Regions of the commercial cloud that have a host of their own, nearer to the data:
 * https://learn.microsoft.com/defender-endpoint/api/exposed-apis-create-app-nativeapp and, for `aea`,
 * https://learn.microsoft.com/defender-endpoint/api/exposed-apis-list
 */
export const GEO_NAMES = ['us', 'eu', 'uk', 'au', 'swa', 'ina', 'aea'] as const;
export type Geo = (typeof GEO_NAMES)[number];

/** The API host of a region. Tokens are made out for the commercial cloud's audience all the same. */
export function geoApiUrl(geo: Geo): string {
  return `https://${geo}.api.security.microsoft.com`;
}

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
  Object.values(GRAPH_API_URLS).map((url) => new URL(url).hostname),
);

/**
 * Matches the hostname of this machine in a parsed `URL`, which has turned every spelling of an IPv4 address (`127.1`,
 * `0x7f000001`) into four decimal numbers.
 */
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
 * A host that gets the token can use it, so that is https to the service's own hosts, or a server on this machine;
 * whether the latter is wanted is for the caller to say.
 */
function parseApiUrl(text: string, isOwnHost: (host: string) => boolean): ApiUrl | undefined {
  // User info, query and fragment, and the characters that make a host look like another, have no place here.
  if (/[@?#\\\s]/.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const { protocol, hostname, pathname, origin } = new URL(text);
  if (pathname !== '/') {
    return undefined;
  }
  if (protocol === 'https:' && isOwnHost(hostname)) {
    return { origin, servedBy: 'microsoft' };
  }
  if (/^https?:$/.test(protocol) && LOOPBACK_HOST.test(hostname)) {
    return { origin, servedBy: 'loopback' };
  }
  return undefined;
}

function isDefenderHost(host: string): boolean {
  return (
    host === 'api.security.microsoft.com' || DEFENDER_DOMAINS.some((domain) => host.endsWith(`.${domain}`))
  );
}
