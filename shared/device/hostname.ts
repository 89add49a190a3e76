import { parseAddress } from './addresses.ts';

/** The names in `computerDnsName`, lower-case; null where it does not hold one. */
export interface HostNames {
  hostname: string | null;
  fqdn: string | null;
  domain: string | null;
}

const QUALIFIED_NAME = /^([^\s.]+)\.([^\s.]+(?:\.[^\s.]+)*)$/;

/**
 * Splits a name at its first dot when it is a qualified DNS name. MDE also reports short names, phone names with
 * spaces and dots ("J. Doe's phone"), which stay whole, and IP addresses, which are no names.
 */
export function hostNames(reported: string | null): HostNames {
  const name = reported?.toLowerCase().replace(/\.$/, '') ?? '';
  if (name === '' || parseAddress(name) !== null) return { hostname: null, fqdn: null, domain: null };
  const [fqdn, hostname, domain] = QUALIFIED_NAME.exec(name) ?? [];
  return { hostname: hostname ?? name, fqdn: fqdn ?? null, domain: domain ?? null };
}
