import * as z from 'zod';
import type { ListedAlert } from '../alertFeed.ts';

const text = z.string().optional().catch(undefined);

/** What is read of an alert in a list; of all its fields only the ID must be there. */
const alertEntrySchema = z.object({
  id: z.string(),
  machineId: text,
  aadTenantId: text,
  severity: text,
  status: text,
  detectionSource: text,
  /** ISO 8601, UTC, with up to 7 fractional digits, of which a Date keeps three. */
  lastUpdateTime: z.iso
    .datetime()
    .transform((time) => new Date(time))
    .optional()
    .catch(undefined),
});

/** Undefined for what is no alert. */
export function readListedAlert(entry: unknown): ListedAlert | undefined {
  const { data } = alertEntrySchema.safeParse(entry);
  return (
    data && {
      alertId: data.id,
      machineId: data.machineId,
      tenantId: data.aadTenantId,
      severity: data.severity,
      status: data.status,
      detectionSource: data.detectionSource,
      updatedAt: data.lastUpdateTime,
    }
  );
}
