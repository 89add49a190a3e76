import { hasStatus } from './restStatus.ts';

/** Something that can be created when it is missing: a queue or a table. */
export interface Provisionable {
  /** For a person, such as `queue "alerts"`. */
  label: string;
  create(): Promise<unknown>;
  /** Whether it is there; asked where the identity may not create. Left out where there is no cheap way to tell. */
  exists?(): Promise<boolean>;
}

/**
 * Creates what is missing, all at once.
 * @returns What could not be created because the identity may not, and does not exist as far as it can tell.
 * @throws What the storage service answers to anything else.
 */
export async function provision(wanted: readonly Provisionable[]): Promise<string[]> {
  const forbidden = await Promise.all(
    wanted.map(async (thing) => {
      const { label } = thing;
      try {
        await thing.create();
        return [];
      } catch (error) {
        if (hasStatus(error, 409)) return [];
        if (hasStatus(error, 403)) return (await isThere(thing)) ? [] : [label];
        throw error;
      }
    }),
  );
  return forbidden.flat();
}

async function isThere({ exists }: Provisionable): Promise<boolean> {
  try {
    return (await exists?.()) ?? false;
  } catch (error) {
    if (hasStatus(error, 403)) return false;
    throw error;
  }
}
