import type { QuotaReport } from '../quota/quotaReport.ts';
import type { QuotaAnswer } from './contract.ts';

/** The report on the quota as JSON holds it. */
export function quotaAnswer({
  windows,
  rate,
  pausedUntil,
  circuit,
  queued,
  drainedBy,
}: QuotaReport): QuotaAnswer {
  return {
    windows,
    rate,
    pausedUntil: pausedUntil?.toISOString() ?? null,
    circuit: circuit && {
      openSince: circuit.openSince.toISOString(),
      nextProbe: circuit.nextProbe.toISOString(),
      detail: circuit.detail,
    },
    queued,
    drainedBy: drainedBy?.toISOString() ?? null,
  };
}
