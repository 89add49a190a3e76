/** Families of operating systems; `other` is a platform that this version does not know. */
export const OS_FAMILIES = [
  'windows',
  'windows-mobile',
  'linux',
  'macos',
  'ios',
  'ipados',
  'android',
  'other',
] as const;
export type OsFamily = (typeof OS_FAMILIES)[number];

/** Kinds of device that a record can prove. */
export const DEVICE_TYPES = ['server', 'virtual', 'mobile', 'tablet'] as const;
export type DeviceType = (typeof DEVICE_TYPES)[number];

/** What a platform name says: the family, and the kind of device where the name leaves no doubt. */
export interface Platform {
  family: OsFamily | null;
  type: DeviceType | null;
}

const windows: Platform = { family: 'windows', type: null };
const windowsServer: Platform = { family: 'windows', type: 'server' };
const windowsMultiSession: Platform = { family: 'windows', type: 'virtual' };
const windowsMobile: Platform = { family: 'windows-mobile', type: 'mobile' };
const linux: Platform = { family: 'linux', type: null };
const macos: Platform = { family: 'macos', type: null };

/** MDE publishes no list of platforms. Keys are lower-case without separators. */
const EXACT_NAMES: ReadonlyMap<string, Platform> = new Map([
  ['windows10wvd', windowsMultiSession],
  ['windows11wvd', windowsMultiSession],
  ['windows10mobile', windowsMobile],
  ['mac', macos],
  // Exact only: "IOS XE" is a router's system.
  ['ios', { family: 'ios', type: 'mobile' }],
]);

/** The first match counts, so a longer prefix stands before a shorter one that it begins with. */
const PREFIXES: readonly (readonly [string, Platform])[] = [
  ['windowsserver', windowsServer],
  ['windowsmobile', windowsMobile],
  ['windowsphone', windowsMobile],
  ['windows', windows],
  ['linux', linux],
  ['ubuntu', linux],
  ['redhat', linux],
  ['rhel', linux],
  ['debian', linux],
  ['centos', linux],
  ['suse', linux],
  ['opensuse', linux],
  ['sles', linux],
  ['fedora', linux],
  ['amazonlinux', linux],
  ['oraclelinux', linux],
  ['almalinux', linux],
  ['rocky', linux],
  ['mariner', linux],
  ['cblmariner', linux],
  ['azurelinux', linux],
  ['macos', macos],
  ['ipados', { family: 'ipados', type: 'tablet' }],
  ['android', { family: 'android', type: 'mobile' }],
];

/** Places MDE's `osPlatform`: exact names first, then prefixes, then the ending `Linux`; never "contains", since `Darwin` contains `win`. */
export function platformOf(osPlatform: string | null): Platform {
  if (osPlatform === null) {
    return { family: null, type: null };
  }
  const name = osPlatform.toLowerCase().replaceAll(/[\s_-]/g, '');
  return (
    EXACT_NAMES.get(name) ??
    PREFIXES.find(([prefix]) => name.startsWith(prefix))?.[1] ??
    (name.endsWith('linux') ? linux : { family: 'other', type: null })
  );
}

/** Processor architectures, by the names that Linux and ECS share; `arm64` is also known as aarch64. */
export const ARCHITECTURES = ['x86_64', 'x86', 'arm64', 'arm'] as const;

/** The architecture that an operating system was built for; null where the source leaves a doubt. */
export interface Architecture {
  architecture: (typeof ARCHITECTURES)[number] | null;
  bits: 32 | 64 | null;
}

const PROCESSORS: ReadonlyMap<string, { make: 'x86' | 'arm'; bits: 32 | 64 }> = new Map([
  ['x64', { make: 'x86', bits: 64 }],
  ['x86_64', { make: 'x86', bits: 64 }],
  ['amd64', { make: 'x86', bits: 64 }],
  ['x86', { make: 'x86', bits: 32 }],
  ['arm64', { make: 'arm', bits: 64 }],
  ['aarch64', { make: 'arm', bits: 64 }],
  ['arm', { make: 'arm', bits: 32 }],
]);

/**
 * Only `osProcessor` tells ARM from x86; `osArchitecture` replaced it in MDE and decides the width where both are
 * given. "64-bit" alone names no architecture.
 */
export function architectureOf(osProcessor: string | null, osArchitecture: string | null): Architecture {
  const processor = PROCESSORS.get(osProcessor?.toLowerCase() ?? '');
  const bits = widthOf(osArchitecture) ?? processor?.bits ?? null;
  if (processor === undefined) {
    return { architecture: null, bits };
  }
  const wide = bits === 64;
  if (processor.make === 'arm') {
    return { architecture: wide ? 'arm64' : 'arm', bits };
  }
  return { architecture: wide ? 'x86_64' : 'x86', bits };
}

function widthOf(osArchitecture: string | null): 32 | 64 | null {
  const width = /\b(32|64)-?bit\b/i.exec(osArchitecture ?? '')?.[1];
  if (width === undefined) {
    return null;
  }
  return width === '64' ? 64 : 32;
}
