import { hasStatus } from './restStatus.ts';

/** Something that can be created when it is missing: a queue or a table. */
export interface Provisionable {
  /** For a person, such as `queue "alerts"`. */
  label: string;
  create(): Promise<unknown>;
}

/**
 * Creates what is missing, all at once.
 * @returns What could not be created because the identity may not: where it exists already, that is how it should be.
 * @throws What the storage service answers to anything else.
 */
export async function provision(wanted: readonly Provisionable[]): Promise<string[]> {
  const forbidden = await Promise.all(
    wanted.map(async ({ label, create }) => {
      try {
        await create();
        return [];
      } catch (error) {
        if (hasStatus(error, 409)) return [];
        if (hasStatus(error, 403)) return [label];
        throw error;
      }
    }),
  );
  return forbidden.flat();
}
