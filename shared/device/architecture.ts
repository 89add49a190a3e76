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
  if (processor === undefined) return { architecture: null, bits };
  const wide = bits === 64;
  if (processor.make === 'arm') return { architecture: wide ? 'arm64' : 'arm', bits };
  return { architecture: wide ? 'x86_64' : 'x86', bits };
}

function widthOf(osArchitecture: string | null): 32 | 64 | null {
  const width = /\b(32|64)-?bit\b/i.exec(osArchitecture ?? '')?.[1];
  if (width === undefined) return null;
  return width === '64' ? 64 : 32;
}
