import * as z from 'zod';
import { submissionSchema } from '../submission.ts';
import type { AlertForm } from './alertForm.ts';

/** What is read of the MDE alert resource (`GET /api/alerts/{id}`). Hints that are not sound are passed over. */
const defenderAlertSchema = z.object({
  id: z.unknown().optional(),
  machineId: submissionSchema.shape.machineId.catch(undefined),
  aadTenantId: submissionSchema.shape.tenantId.catch(undefined),
});

/** Fields that an alert of MDE has; `id` alone could be anything. */
const TELLTALES = ['detectionSource', 'machineId', 'alertCreationTime', 'severity'];

export const defenderAlert: AlertForm = {
  origin: 'the "id" of the MDE alert',
  read(value) {
    if (!Object.hasOwn(value, 'id') || !TELLTALES.some((name) => Object.hasOwn(value, name))) {
      return undefined;
    }
    const { id, machineId, aadTenantId } = defenderAlertSchema.parse(value);
    return { alertId: id, machineId, tenantId: aadTenantId };
  },
};
