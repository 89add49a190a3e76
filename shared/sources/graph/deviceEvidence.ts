import * as z from 'zod';

/** Null and what cannot be read say nothing. */
function orNull<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullable().catch(null);
}

const text = orNull(z.string().min(1));

/**
 * What is read of a device in the evidence of a Graph alert
 * (https://learn.microsoft.com/graph/api/resources/security-deviceevidence). Only the ID must be there.
 */
export const deviceEvidenceSchema = z.object({
  '@odata.type': z.literal('#microsoft.graph.security.deviceEvidence'),
  mdeDeviceId: z.string().regex(/\S/),
  detailedRoles: z.array(z.unknown()).catch([]),
  deviceDnsName: text,
  hostName: text,
  dnsDomain: text,
  firstSeenDateTime: text,
  osPlatform: text,
  osBuild: orNull(z.number()),
  version: text,
  healthStatus: text,
  riskScore: text,
  onboardingStatus: text,
  defenderAvStatus: text,
  rbacGroupId: orNull(z.union([z.number(), z.string().min(1)])),
  rbacGroupName: text,
  lastIpAddress: text,
  lastExternalIpAddress: text,
  azureAdDeviceId: text,
  tags: orNull(z.array(z.unknown())),
  ipInterfaces: orNull(z.array(z.unknown())),
  loggedOnUsers: orNull(z.array(orNull(z.object({ accountName: text, domainName: text })))),
  vmMetadata: orNull(z.object({ vmId: text, cloudProvider: text, resourceId: text, subscriptionId: text })),
});
export type DeviceEvidence = z.infer<typeof deviceEvidenceSchema>;

const alertSchema = z.object({ id: z.string().min(1), evidence: z.array(z.unknown()).catch([]) });

/** Whether a response body is an alert, and which device it is about; null when it names none. */
export function parseGraphAlert(
  body: unknown,
): { kind: 'alert'; device: DeviceEvidence | null } | { kind: 'invalid' } {
  const alert = alertSchema.safeParse(body).data;
  return alert === undefined
    ? { kind: 'invalid' }
    : { kind: 'alert', device: mainDevice(alert.evidence) ?? null };
}

/**
 * The device that an alert is about: the one with that role, which the service writes `PrimaryDevice` and its
 * documentation `Main device`; else the first. `roles` is empty in practice, and evidence of other kinds names the
 * device on which it was found, not one of its own.
 */
export function mainDevice(evidence: readonly unknown[]): DeviceEvidence | undefined {
  const devices = evidence.flatMap((item) => deviceEvidenceSchema.safeParse(item).data ?? []);
  return devices.find(({ detailedRoles }) => detailedRoles.some(isMain)) ?? devices[0];
}

function isMain(role: unknown): boolean {
  return typeof role === 'string' && /^(primary|main) ?device$/i.test(role);
}
