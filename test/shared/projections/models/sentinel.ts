import * as z from 'zod';

/**
 * The Host entity of Microsoft Sentinel with its IP entities, from the entity reference of 2025-03-24
 * (https://learn.microsoft.com/azure/sentinel/entities-reference#host). What is no field of it goes into
 * `additionalData`, the bag that entities have for that.
 */

const text = z.string().min(1);
const fields = {
  HostName: text.optional(),
  DnsDomain: text.optional(),
  AzureID: z
    .string()
    .regex(/^\/subscriptions\//i)
    .optional(),
  OSFamily: z.enum(['Linux', 'Windows', 'Android', 'IOS', 'Mac']).optional(),
  OSVersion: text.optional(),
  IpInterfaces: z
    .array(z.strictObject({ Type: z.literal('ip'), Address: z.union([z.ipv4(), z.ipv6()]) }))
    .min(1)
    .optional(),
};

export const sentinelModel = z
  .strictObject({
    Type: z.literal('host'),
    ...fields,
    additionalData: z
      .record(z.string().regex(/^[A-Z][A-Za-z]*$/), z.union([text, z.boolean(), z.array(text).min(1)]))
      .refine((data) => Object.keys(fields).every((name) => !Object.hasOwn(data, name)), {
        error: 'what the entity has a field for belongs there',
      }),
  })
  .refine(({ HostName, DnsDomain }) => DnsDomain === undefined || HostName !== undefined, {
    error: 'a domain identifies a host only with its name',
  });
