import * as z from 'zod';
import { isJsonObject, type JsonObject } from '../jsonText.ts';
import { submissionSchema } from '../submission.ts';
import type { AlertForm } from './alertForm.ts';

/** What is read of a device in the alert's evidence. Other kinds of evidence name a device too, but not as its own. */
const deviceEvidenceSchema = z.object({
  '@odata.type': z.literal('#microsoft.graph.security.deviceEvidence').optional(),
  mdeDeviceId: submissionSchema.shape.machineId.unwrap(),
  detailedRoles: z.array(z.unknown()).catch([]),
});
type DeviceEvidence = z.infer<typeof deviceEvidenceSchema>;

/** What is read of a Graph alert (`GET /v1.0/security/alerts_v2/{id}`). Hints that are not sound are passed over. */
const graphAlertSchema = z.object({
  id: z.unknown().optional(),
  tenantId: submissionSchema.shape.tenantId.catch(undefined),
  evidence: z.array(z.unknown()).catch([]),
});

export const graphAlert: AlertForm = {
  origin: 'the "id" of the Graph alert',
  read(value) {
    if (!isGraphAlert(value)) {
      return undefined;
    }
    const { id, tenantId, evidence } = graphAlertSchema.parse(value);
    return { alertId: id, machineId: machineIdIn(evidence), tenantId };
  },
};

function isGraphAlert(value: JsonObject): boolean {
  return (
    value['@odata.type'] === '#microsoft.graph.security.alert' ||
    Object.hasOwn(value, 'serviceSource') ||
    Object.hasOwn(value, 'providerAlertId') ||
    (Object.hasOwn(value, 'id') && Array.isArray(value.evidence) && value.evidence.some(isGraphEvidence))
  );
}

/** MDE alerts have evidence as well, but without these fields. */
function isGraphEvidence(item: unknown): boolean {
  return isJsonObject(item) && (Object.hasOwn(item, '@odata.type') || Object.hasOwn(item, 'mdeDeviceId'));
}

/** The device that the alert is about: the primary one of several, else the first. */
function machineIdIn(evidence: unknown[]): string | undefined {
  const devices = evidence.flatMap((item) => deviceEvidenceSchema.safeParse(item).data ?? []);
  return (devices.find(isPrimary) ?? devices[0])?.mdeDeviceId;
}

/** The service writes "PrimaryDevice", its documentation "Main device". */
const isPrimary = (device: DeviceEvidence) =>
  device.detailedRoles.some((role) => role === 'PrimaryDevice' || role === 'Main device');
