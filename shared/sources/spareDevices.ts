/** What is needed to find devices that a call has room for. */
export interface SpareDevicesDeps {
  /** The devices of all alerts that lists have shown, each as often as it comes. */
  deviceIds: () => Iterable<string>;
  /** The devices that any process has kept since then; none where that cannot be told. */
  keptSince: (time: Date) => Promise<string[]>;
  reuseForMs: number;
  now: () => Date;
  /** Uniform in [0, 1). */
  random: () => number;
}

/**
 * Finds devices for calls that have room: devices of listed alerts that have not been asked about yet. A call for 30
 * devices costs the quota no more than one for two, and alerts of an outbreak ask about nearly all of them. Chance
 * picks the devices, so that several processes seldom take the same ones; devices that any process has kept are left
 * out.
 */
export function createSpareDevices({ deviceIds, keptSince, reuseForMs, now, random }: SpareDevicesDeps) {
  return async (asked: ReadonlySet<string>, most: number): Promise<string[]> => {
    const candidates = new Set(deviceIds());
    if (candidates.size === 0 || reuseForMs === 0) {
      return [];
    }
    for (const id of [...asked, ...(await keptSince(new Date(now().getTime() - reuseForMs)))]) {
      candidates.delete(id);
    }
    const spare = [...candidates];
    return Array.from({ length: Math.min(most, spare.length) }, () => {
      const [id = ''] = spare.splice(Math.floor(random() * spare.length), 1);
      return id;
    });
  };
}
