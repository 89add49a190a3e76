import { readdirSync, readFileSync } from 'node:fs';

/** Peak resident memory in MiB of a process and its children (Linux only; 0 elsewhere or when they have ended). */
export function peakMemoryMiB(pid: number): number {
  return family(pid).reduce((sum, member) => sum + peakOf(member), 0);
}

function family(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(family)];
}

function childrenOf(pid: number): number[] {
  return (
    read(() =>
      readdirSync(`/proc/${pid}/task`).flatMap((task) =>
        readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
      ),
    ) ?? []
  );
}

function peakOf(pid: number): number {
  const status = read(() => readFileSync(`/proc/${pid}/status`, 'utf8')) ?? '';
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024;
}

function read<T>(from: () => T): T | undefined {
  try {
    return from();
  } catch {
    return undefined;
  }
}
