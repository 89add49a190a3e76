import { type Address, NO_MACS, namesHost } from './addresses.ts';
import type { AddressEntry } from './properties.ts';

/** An address as one interface has it. */
export interface InterfaceAddress extends Address {
  type: string | null;
  status: string | null;
}

/** One network interface: what shares a MAC address, or everything that has none. */
export interface NetworkInterface {
  mac: string | null;
  type: string | null;
  status: string | null;
  addresses: InterfaceAddress[];
}

/**
 * Groups the entries of `ipAddresses` by MAC address. What is down comes last, the group without MAC address last
 * among its equals; otherwise the source's order stays. An entry with neither address is no interface.
 */
export function networkInterfaces(entries: readonly AddressEntry[]): NetworkInterface[] {
  const upFirst = entries
    .filter((entry) => entry.ipAddress !== null || macOf(entry) !== null)
    .toSorted((one, other) => statusRank(one.operationalStatus) - statusRank(other.operationalStatus));
  const byMac = new Map<string | null, AddressEntry[]>();
  for (const entry of upFirst) {
    const mac = macOf(entry);
    const group = byMac.get(mac);
    if (group === undefined) {
      byMac.set(mac, [entry]);
    } else {
      group.push(entry);
    }
  }
  return [...byMac]
    .map(([mac, group]) => ({
      mac,
      type: commonType(group),
      status: group.find((entry) => entry.operationalStatus !== null)?.operationalStatus ?? null,
      addresses: addressesOf(group),
    }))
    .toSorted(
      (one, other) =>
        statusRank(one.status) - statusRank(other.status) ||
        Number(one.mac === null) - Number(other.mac === null),
    );
}

function macOf(entry: AddressEntry): string | null {
  return entry.macAddress !== null && NO_MACS.has(entry.macAddress) ? null : entry.macAddress;
}

/** Null when the entries disagree, as those without MAC address may: each address keeps its own. */
function commonType(group: readonly AddressEntry[]): string | null {
  const types = new Set(group.flatMap(({ type }) => type ?? []));
  return types.size === 1 ? ([...types][0] ?? null) : null;
}

function addressesOf(group: readonly AddressEntry[]): InterfaceAddress[] {
  const byIp = new Map<string, InterfaceAddress>();
  for (const { ipAddress, type, operationalStatus } of group) {
    if (ipAddress !== null && !byIp.has(ipAddress.ip)) {
      byIp.set(ipAddress.ip, { ...ipAddress, type, status: operationalStatus });
    }
  }
  return [...byIp.values()];
}

function statusRank(status: string | null): 0 | 1 | 2 {
  if (status === null) {
    return 1;
  }
  const name = status.toLowerCase();
  if (name === 'up') {
    return 0;
  }
  return name === 'down' ? 2 : 1;
}

/** The addresses to know a device by, from its interfaces and the last address that MDE saw. */
export interface HostAddresses {
  ip: string | null;
  mac: string | null;
  ips: string[];
  macs: string[];
}

/**
 * Picks MDE's last address if it can tell hosts apart, else the first such address that is not down; and the MAC
 * address of the interface that holds it. Where none holds it no MAC address is guessed; without an address it is the
 * first there is.
 */
export function hostAddresses(
  lastIp: Address | null,
  interfaces: readonly NetworkInterface[],
): HostAddresses {
  const known = interfaces.flatMap(({ addresses }) => addresses).filter(namesHost);
  const last = lastIp !== null && namesHost(lastIp) ? lastIp.ip : null;
  const ip = last ?? known.find(({ status }) => statusRank(status) < 2)?.ip ?? null;
  const withMac = interfaces.filter(({ mac }) => mac !== null);
  const holder = withMac.find(({ addresses }) => addresses.some((address) => address.ip === ip));
  const ips = known.map((address) => address.ip);
  return {
    ip,
    mac: (ip === null ? withMac[0] : holder)?.mac ?? null,
    ips: [...new Set(ip === null ? ips : [ip, ...ips])],
    macs: withMac.flatMap(({ mac }) => mac ?? []),
  };
}
