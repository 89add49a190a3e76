import * as z from 'zod';

/**
 * ECS 9.4.0: the fields that a document about a host may have, with their types, formats and allowed values
 * (https://www.elastic.co/docs/reference/ecs/ecs-host and its neighbours). Custom fields stand under one object of
 * their own, in lower case with underscores, and use no name of ECS.
 */

const keyword = z.string().min(1);
const ip = z.union([z.ipv4(), z.ipv6()]);
const lowerCase = keyword.refine((text) => text === text.toLowerCase());

/** "Normalized: array" in ECS; the fields that a projection fills hold a set. */
function set<Item extends z.ZodType>(item: Item) {
  return z
    .array(item)
    .min(1)
    .refine((items) => new Set(items).size === items.length);
}

export const ecsModel = z.strictObject({
  '@timestamp': z.iso.datetime(),
  ecs: z.strictObject({ version: z.literal('9.4.0') }),
  event: z.strictObject({
    kind: z.literal(['alert', 'asset', 'enrichment', 'event', 'metric', 'state', 'pipeline_error', 'signal']),
    category: z.tuple([z.literal('host')]),
    /** The types that ECS expects for the category host. */
    type: set(z.enum(['access', 'change', 'end', 'info', 'start'])),
    provider: keyword,
  }),
  host: z.strictObject({
    id: keyword,
    hostname: keyword.optional(),
    name: lowerCase.optional(),
    type: keyword.optional(),
    architecture: keyword.optional(),
    ip: set(ip).optional(),
    mac: set(z.string().regex(/^[A-F0-9]{2}(-[A-F0-9]{2}){5,}$/)).optional(),
    os: z
      .strictObject({
        type: z.enum(['linux', 'macos', 'unix', 'windows', 'ios', 'android']).optional(),
        platform: lowerCase.optional(),
        name: keyword.optional(),
        version: keyword.optional(),
      })
      .optional(),
    risk: z.strictObject({ calculated_level: keyword }).optional(),
  }),
  device: z.strictObject({ id: keyword }).optional(),
  cloud: z
    .strictObject({
      provider: lowerCase.optional(),
      instance: z.strictObject({ id: keyword }).optional(),
      account: z.strictObject({ id: keyword }).optional(),
    })
    .optional(),
  group: z.strictObject({ id: keyword.optional(), name: keyword.optional() }).optional(),
  tags: set(keyword).optional(),
  related: z.strictObject({ ip: set(ip).optional(), hosts: set(keyword).optional() }).optional(),
  mde: z.record(z.string().regex(/^[a-z]+(?:_[a-z]+)*$/), z.union([keyword, z.boolean()])).optional(),
});
