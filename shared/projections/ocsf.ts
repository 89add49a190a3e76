import { namesHost } from '../device/addresses.ts';
import type { Device } from '../device/device.ts';
import type { OsFamily } from '../device/platform.ts';
import { type DraftObject, type ProjectedObject, withoutUnknown } from './fields.ts';
import { inSnakeCase, MDE, type MdeProperties, mdeProperties, without } from './mdeProperties.ts';

/** What has a field in the device object; `onboardingStatus` is more than the `is_managed` that it decides. */
const PLACED: readonly (keyof MdeProperties)[] = [
  'aadDeviceId',
  'osPlatform',
  'version',
  'osBuild',
  'osProcessor',
  'firstSeen',
  'lastSeen',
  'riskScore',
  'rbacGroupId',
  'rbacGroupName',
  'agentVersion',
  'vmId',
];

/** An enumerated value of OCSF: a number, and its caption or, for 99, the words of the source. */
type Enumerated = readonly [id: number, caption: string];
const UNKNOWN: Enumerated = [0, 'Unknown'];
const OTHER = 99;

const OS_TYPES: Readonly<Record<Exclude<OsFamily, 'other'>, Enumerated>> = {
  windows: [100, 'Windows'],
  'windows-mobile': [101, 'Windows Mobile'],
  linux: [200, 'Linux'],
  android: [201, 'Android'],
  macos: [300, 'macOS'],
  ios: [301, 'iOS'],
  ipados: [302, 'iPadOS'],
};

const DEVICE_TYPES: Readonly<Record<NonNullable<Device['type']>, Enumerated>> = {
  server: [1, 'Server'],
  tablet: [4, 'Tablet'],
  mobile: [5, 'Mobile'],
  virtual: [6, 'Virtual'],
};

const RISK_LEVELS: ReadonlyMap<string | null | undefined, Enumerated> = new Map([
  ['Informational', [0, 'Info']],
  ['Low', [1, 'Low']],
  ['Medium', [2, 'Medium']],
  ['High', [3, 'High']],
  // MDE does not know it yet, but the standard does.
  ['Critical', [4, 'Critical']],
]);

/**
 * Adapter types by their beginnings. MDE publishes no list; what is seen are names of .NET's NetworkInterfaceType
 * (https://learn.microsoft.com/dotnet/api/system.net.networkinformation.networkinterfacetype).
 */
const INTERFACE_TYPES: readonly (readonly [string, Enumerated])[] = [
  ['ethernet', [1, 'Wired']],
  ['wired', [1, 'Wired']],
  ['fastethernet', [1, 'Wired']],
  ['gigabitethernet', [1, 'Wired']],
  ['tokenring', [1, 'Wired']],
  ['fddi', [1, 'Wired']],
  ['wwan', [3, 'Mobile']],
  ['wman', [3, 'Mobile']],
  ['wireless', [2, 'Wireless']],
  ['tunnel', [4, 'Tunnel']],
];

/**
 * The device as an event of the class Device Inventory Info (5001) of OCSF 1.8.0, with the date/time profile
 * (https://schema.ocsf.io/1.8.0/classes/inventory_info).
 * @param at When the source was asked.
 */
export function toOcsf(device: Device, at: Date): ProjectedObject {
  return withoutUnknown({
    activity_id: 2,
    activity_name: 'Collect',
    category_uid: 5,
    category_name: 'Discovery',
    class_uid: 5001,
    class_name: 'Device Inventory Info',
    type_uid: 500_102,
    type_name: 'Device Inventory Info: Collect',
    severity_id: 1,
    severity: 'Informational',
    time: at.getTime(),
    time_dt: at.toISOString(),
    metadata: {
      version: '1.8.0',
      profiles: ['datetime'],
      product: { name: MDE, vendor_name: 'Microsoft' },
    },
    device: deviceObject(device),
    enrichments: enrichments(device, at),
  });
}

function deviceObject(device: Device): DraftObject {
  const properties = mdeProperties(device);
  const { rbacGroupId: uid, rbacGroupName: name } = properties;
  return {
    ...enumerated('type', device.type === null ? UNKNOWN : DEVICE_TYPES[device.type]),
    uid: device.id,
    uid_alt: properties.aadDeviceId,
    hostname: device.fqdn ?? device.hostname,
    name: device.hostname,
    domain: device.domain,
    ip: device.ip,
    mac: device.mac,
    network_interfaces: networkInterfaces(device),
    os: operatingSystem(device.os),
    hw_info: processor(device.os),
    instance_uid: properties.vmId,
    groups: [{ uid, name, type: (uid ?? name) && 'MDE device group' }],
    agent_list: agents(device),
    is_managed: isManaged(device),
    ...enumerated('risk_level', riskLevel(properties.riskScore)),
    ...time('first_seen_time', device.firstSeen),
    ...time('last_seen_time', device.lastSeen),
  };
}

/** One for each pair of MAC and IP address, and first the one that holds the device's address, as the standard wants. */
function networkInterfaces({ interfaces, ip }: Device): DraftObject[] {
  return interfaces
    .flatMap(addressPairs)
    .toSorted((one, other) => Number(other.ip === ip) - Number(one.ip === ip))
    .map((pair) => ({ mac: pair.mac, ip: pair.ip, ...enumerated('type', interfaceType(pair.type)) }));
}

interface AddressPair {
  mac: string | null;
  ip: string | null;
  type: string | null;
}

function addressPairs({ mac, type, addresses }: Device['interfaces'][number]): AddressPair[] {
  const pairs = addresses.filter(namesHost).map((address) => ({ mac, ip: address.ip, type: address.type }));
  return pairs.length > 0 || mac === null ? pairs : [{ mac, ip: null, type }];
}

function interfaceType(type: string | null): Enumerated {
  if (type === null) {
    return UNKNOWN;
  }
  const name = type.toLowerCase();
  return INTERFACE_TYPES.find(([beginning]) => name.startsWith(beginning))?.[1] ?? [OTHER, type];
}

/** The standard wants a name with anything else about the system. */
function operatingSystem({ osPlatform, family, version, build, bits }: Device['os']): DraftObject | null {
  if (osPlatform === null && version === null && build === null && bits === null) {
    return null;
  }
  const name = osPlatform ?? UNKNOWN[1];
  return { name, ...enumerated('type', osType(family, name)), version, build, cpu_bits: bits };
}

function osType(family: OsFamily | null, name: string): Enumerated {
  if (family === null) {
    return UNKNOWN;
  }
  return family === 'other' ? [OTHER, name] : OS_TYPES[family];
}

function processor({ architecture, osProcessor }: Device['os']): DraftObject | null {
  if (osProcessor === null) {
    return null;
  }
  if (architecture === null) {
    return enumerated('cpu_architecture', [OTHER, osProcessor]);
  }
  return enumerated('cpu_architecture', architecture.startsWith('x86') ? [1, 'x86'] : [2, 'ARM']);
}

/** A device that is merely seen by others has no sensor. */
function agents({ id, agentVersion, onboarding }: Device): DraftObject[] {
  if (agentVersion === null && onboarding.value !== 'Onboarded') {
    return [];
  }
  const type = enumerated('type', [1, 'Endpoint Detection and Response']);
  return [{ uid: id, name: MDE, vendor_name: 'Microsoft', ...type, version: agentVersion }];
}

/** Null where MDE does not know it, or says it in words that this version does not know. */
function isManaged({ onboarding: { value } }: Device): boolean | null {
  return value === null || value === 'InsufficientInfo' || value === 'Other' ? null : value === 'Onboarded';
}

/** OCSF has no level for "no risk", and its 0 is Info. */
function riskLevel(riskScore: string | null): Enumerated | null {
  return RISK_LEVELS.get(riskScore) ?? (riskScore === null ? null : [OTHER, riskScore]);
}

function enumerated(name: string, value: Enumerated | null): DraftObject {
  return { [`${name}_id`]: value?.[0], [name]: value?.[1] };
}

function time(name: string, iso: string | null): DraftObject {
  return { [name]: iso === null ? null : Date.parse(iso), [`${name}_dt`]: iso };
}

/** One enrichment of the device's ID with all that the device object has no field for. */
function enrichments(device: Device, at: Date): DraftObject[] {
  const data = withoutUnknown(inSnakeCase(without(mdeProperties(device), PLACED)));
  if (Object.keys(data).length === 0) {
    return [];
  }
  return [
    {
      name: 'device.uid',
      value: device.id,
      type: 'mde_device',
      provider: MDE,
      short_desc: `What ${MDE} says of the device beyond the device object.`,
      created_time: at.getTime(),
      created_time_dt: at.toISOString(),
      data,
    },
  ];
}
