import ipaddr from 'ipaddr.js';

/** What an address is good for, from the special-purpose ranges of IANA. */
export const ADDRESS_SCOPES = [
  'public',
  'private',
  'shared',
  'link-local',
  'loopback',
  'unspecified',
  'multicast',
  'broadcast',
  'reserved',
] as const;
export type AddressScope = (typeof ADDRESS_SCOPES)[number];

/** One IP address in canonical text. */
export interface Address {
  ip: string;
  version: 4 | 6;
  scope: AddressScope;
}

/** The longest IPv6 text is 45 characters; the rest leaves room for a zone. Longer text is not worth parsing. */
const LONGEST_ADDRESS = 64;

/** Decides which family to ask for: the library learns by a costly exception that a text is no IPv4 address. */
const FOUR_PARTS = /^\d+(?:\.\d+){3}$/;

/** Scopes by range name of `ipaddr.js`; every range that is not named here is set aside for a special purpose. */
const SCOPE_OF_RANGE: ReadonlyMap<string, AddressScope> = new Map([
  ['unicast', 'public'],
  ['private', 'private'],
  ['uniqueLocal', 'private'],
  ['deprecatedSiteLocal', 'private'],
  ['carrierGradeNat', 'shared'],
  ['linkLocal', 'link-local'],
  ['loopback', 'loopback'],
  ['unspecified', 'unspecified'],
  ['multicast', 'multicast'],
  ['broadcast', 'broadcast'],
]);

const NAMES_NO_HOST: ReadonlySet<AddressScope> = new Set([
  'link-local',
  'loopback',
  'unspecified',
  'multicast',
  'broadcast',
]);

/**
 * Reads an IPv4 (four decimal parts) or IPv6 address; null when the text is neither. IPv6 comes out as RFC 5952
 * wants it and without a zone, which means something on the device only; IPv4 mapped into IPv6 comes out as IPv4.
 */
export function parseAddress(text: string): Address | null {
  if (text.length > LONGEST_ADDRESS) {
    return null;
  }
  const looksLikeIpv4 = FOUR_PARTS.test(text);
  if (looksLikeIpv4 ? !ipaddr.IPv4.isValidFourPartDecimal(text) : !ipaddr.IPv6.isValid(text)) {
    return null;
  }
  const address = withoutZone(ipaddr.process(text.replace(/%.*$/, '')));
  return {
    ip: address.kind() === 'ipv6' ? (address as ipaddr.IPv6).toRFC5952String() : address.toString(),
    version: address.kind() === 'ipv6' ? 6 : 4,
    scope: SCOPE_OF_RANGE.get(address.range()) ?? 'reserved',
  };
}

/**
 * macOS, like the BSDs, keeps the zone of a link-local address in its second group (`fe80:1c::1`). On the wire it is
 * zero.
 */
function withoutZone(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address.kind() !== 'ipv6' || address.range() !== 'linkLocal') {
    return address;
  }
  const [first = 0, , ...others] = (address as ipaddr.IPv6).parts;
  return new ipaddr.IPv6([first, 0, ...others]);
}

/** True when the address can tell one host from another beyond its own link. */
export function namesHost(address: Address): boolean {
  return !NAMES_NO_HOST.has(address.scope);
}

const SIX_BYTES = /^[0-9A-F]{12}$/;

/**
 * What stands for no MAC address: zeros for adapters that have none, such as the loopback of a Linux device; a constant
 * that Android and iOS give every app; the broadcast address.
 */
export const NO_MACS: ReadonlySet<string> = new Set([
  '00-00-00-00-00-00',
  '02-00-00-00-00-00',
  'FF-FF-FF-FF-FF-FF',
]);

/** A MAC address as RFC 7042 writes it (`00-0C-29-92-A6-43`), from any usual notation; null when it is none. */
export function parseMac(text: string): string | null {
  const digits = text.replaceAll(/[-:.]/g, '').toUpperCase();
  return SIX_BYTES.test(digits) ? digits.replaceAll(/(..)(?!$)/g, '$1-') : null;
}
