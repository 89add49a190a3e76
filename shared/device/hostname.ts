import { parseAddress } from './addresses.ts';
import type { OsFamily } from './platform.ts';

/** The names in `computerDnsName`, lower-case; null where it does not hold one. */
export interface HostNames {
  hostname: string | null;
  fqdn: string | null;
  domain: string | null;
}

/** Phones and tablets have the name that their owner gave them: a dot in it begins no domain. */
const NAMED_BY_PEOPLE: ReadonlySet<OsFamily> = new Set(['ios', 'ipados', 'android', 'windows-mobile']);
/** The name that every host has for itself. */
const EVERY_HOST = /^localhost(?:\.local(?:domain)?)?$/;

const QUALIFIED_NAME = /^([^\s.]+)\.([^\s.]+(?:\.[^\s.]+)*)$/;

/**
 * Splits a name at its first dot when it is a qualified DNS name. MDE also reports short names, phone names with
 * spaces and dots ("J. Doe's phone", "k.lee-iPhone"), which stay whole, and IP addresses, which are no names.
 */
export function hostNames(reported: string | null, family: OsFamily | null): HostNames {
  const name = reported?.toLowerCase().replace(/\.$/, '') ?? '';
  const isNoName = name === '' || EVERY_HOST.test(name) || parseAddress(name) !== null;
  if (isNoName) return { hostname: null, fqdn: null, domain: null };
  if (family !== null && NAMED_BY_PEOPLE.has(family)) return { hostname: name, fqdn: null, domain: null };
  const [fqdn, hostname, domain] = QUALIFIED_NAME.exec(name) ?? [];
  return { hostname: hostname ?? name, fqdn: fqdn ?? null, domain: domain ?? null };
}
