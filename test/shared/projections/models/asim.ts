import * as z from 'zod';

/**
 * ASIM: the device fields that are common to all schemas, from the device entity
 * (https://learn.microsoft.com/azure/sentinel/normalization-entity-device, 2025-07-18) and the common fields
 * (https://learn.microsoft.com/azure/sentinel/normalization-common-fields). Names that begin with Dvc are ASIM's alone.
 */

const text = z.string().min(1);

export const asimModel = z
  .strictObject({
    EventVendor: z.literal('Microsoft'),
    /** From the list of vendors and products. */
    EventProduct: z.literal('Microsoft Defender XDR for Endpoint'),
    Dvc: text,
    DvcId: text.optional(),
    DvcIdType: z
      .enum(['AzureResourceId', 'MDEid', 'MD4IoTid', 'VMConnectionId', 'AwsVpcId', 'VectraId', 'Other'])
      .optional(),
    DvcHostname: text.optional(),
    DvcDomain: text.optional(),
    DvcDomainType: z.enum(['FQDN', 'Windows']).optional(),
    DvcFQDN: text.optional(),
    DvcIpAddr: z.union([z.ipv4(), z.ipv6()]).optional(),
    DvcMacAddr: z
      .string()
      .regex(/^[0-9A-F]{2}(?::[0-9A-F]{2}){5}$/)
      .optional(),
    DvcOs: text.optional(),
    DvcOsVersion: text.optional(),
    DvcAzureResourceId: z
      .string()
      .regex(/^\/subscriptions\//i)
      .optional(),
    DvcScopeId: text.optional(),
    AdditionalFields: z
      .record(z.string().regex(/^(?!Dvc)[A-Z][A-Za-z]*$/), z.union([text, z.boolean(), z.array(text).min(1)]))
      .optional(),
  })
  .refine((fields) => (fields.DvcId === undefined) === (fields.DvcIdType === undefined), {
    error: 'DvcIdType is required with DvcId',
  })
  .refine((fields) => (fields.DvcDomain === undefined) === (fields.DvcDomainType === undefined), {
    error: 'DvcDomainType is required with DvcDomain',
  })
  .refine(({ DvcFQDN, DvcHostname, DvcDomain }) => DvcFQDN === (DvcDomain && `${DvcHostname}.${DvcDomain}`), {
    error: 'DvcFQDN is host name and domain, and no short name',
  })
  .refine(
    ({ Dvc, DvcFQDN, DvcId, DvcHostname, DvcIpAddr }) =>
      [DvcFQDN, DvcId, DvcHostname, DvcIpAddr].includes(Dvc),
    { error: 'Dvc is an alias of another field' },
  );
