import { pick, type Random } from '#dev/simulator/random.ts';
import type { HostProcess } from '#dev/stack/hostProcess.ts';

/** As many hosts as asked for, of which one after another is killed and replaced. */
export interface Crew {
  /**
   * Kills a random one at once, as a lost machine is, and starts another in its place. While the one before is not
   * replaced yet it kills none: on a slow machine nobody would be left to work.
   * @returns Whether it killed one.
   */
  killOne(): boolean;
  /** How many were killed so far. */
  killed(): number;
  /** Lets all finish what they have begun. */
  stop(): Promise<void>;
}

/** @param start Starts one host. What it throws, `stop` throws. */
export async function startCrew(
  size: number,
  start: () => Promise<HostProcess>,
  random: Random,
): Promise<Crew> {
  const atWork = new Set<HostProcess>();
  const replacements: Promise<void>[] = [];
  let killed = 0;

  async function join(): Promise<void> {
    atWork.add(await start());
  }

  await Promise.all(Array.from({ length: size }, join));
  return {
    killOne() {
      if (atWork.size < size) {
        return false;
      }
      const victim = pick(random, [...atWork]);
      atWork.delete(victim);
      killed += 1;
      const replacement = victim.kill().then(join);
      replacement.catch(() => undefined);
      replacements.push(replacement);
      return true;
    },
    killed: () => killed,
    async stop() {
      await Promise.all(replacements);
      await Promise.all([...atWork].map((host) => host.stop()));
    },
  };
}
