import { withinTime } from '../async/withinTime.ts';
import { isStorageError, storageErrorText } from '../storage/storageError.ts';

/** One thing without which alerts cannot move. */
export interface HealthCheck {
  name: string;
  status: 'ok' | 'failed';
  /** For a person: how it is, or what is wrong. */
  detail: string;
}

export interface HealthReport {
  /** Healthy when no check has failed. */
  status: 'healthy' | 'unhealthy';
  checks: HealthCheck[];
}

/** Looks at one thing, cheaply. */
export interface HealthProbe {
  name: string;
  /** @throws When the thing cannot be looked at, which is a failed check. */
  look(): Promise<{ isSound: boolean; detail: string }>;
}

/** Runs all probes at once. Never throws. @param timeoutMs How long a probe may take before its check has failed. */
export async function checkHealth(probes: readonly HealthProbe[], timeoutMs: number): Promise<HealthReport> {
  const checks = await Promise.all(probes.map((probe) => checkOf(probe, timeoutMs)));
  const isHealthy = checks.every(({ status }) => status === 'ok');
  return { status: isHealthy ? 'healthy' : 'unhealthy', checks };
}

async function checkOf({ name, look }: HealthProbe, timeoutMs: number): Promise<HealthCheck> {
  const late = { isSound: false, detail: `no answer within ${timeoutMs / 1_000} s` };
  try {
    const { isSound, detail } = await withinTime(look(), timeoutMs, () => late);
    return { name, status: isSound ? 'ok' : 'failed', detail };
  } catch (error) {
    return { name, status: 'failed', detail: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (isStorageError(error)) return storageErrorText(error);
  return error instanceof Error ? error.message : 'unknown';
}
