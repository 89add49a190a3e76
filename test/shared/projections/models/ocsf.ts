import * as z from 'zod';

/**
 * OCSF 1.8.0, class Device Inventory Info (uid 5001) with the date/time profile: every attribute that the class and its
 * objects allow and that a projection may use, with the requirements, constraints, types and enumerations of
 * https://schema.ocsf.io/1.8.0/classes/inventory_info. What is not listed here is not allowed here.
 */

const text = z.string().min(1);
/** mac_t: with separators. */
const mac = z.string().regex(/^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$/);
const ip = z.union([z.ipv4(), z.ipv6()]);
/** timestamp_t: milliseconds since 1970. Seconds would lie before 1971 for any device. */
const timestamp = z.int();
/** datetime_t: RFC 3339. */
const datetime = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/);

/** The caption goes with the ID; for 99 it is the words of the source. */
function siblings(id: string, caption: string, captions: Record<number, string>) {
  return (value: object): boolean => {
    const { [id]: number, [caption]: words } = value as Record<string, unknown>;
    if (number === undefined) {
      return words === undefined;
    }
    if (number === 99) {
      return typeof words === 'string' && words !== '';
    }
    return typeof number === 'number' && captions[number] !== undefined && captions[number] === words;
  };
}

function datetimeProfile(...times: string[]) {
  return (value: object): boolean =>
    times.every((name) => {
      const { [name]: milliseconds, [`${name}_dt`]: iso } = value as Record<string, unknown>;
      return (
        (iso === undefined) === (milliseconds === undefined) &&
        (iso === undefined || Date.parse(String(iso)) === milliseconds)
      );
    });
}

function atLeastOne(...names: string[]) {
  return (value: object): boolean => names.some((name) => Object.hasOwn(value, name));
}

const networkInterface = z
  .strictObject({ ip: ip.optional(), mac: mac.optional(), type: text, type_id: z.int() })
  .refine(atLeastOne('ip', 'mac', 'name', 'hostname', 'uid'))
  .refine(siblings('type_id', 'type', { 0: 'Unknown', 1: 'Wired', 2: 'Wireless', 3: 'Mobile', 4: 'Tunnel' }));

const operatingSystem = z
  .strictObject({
    name: text,
    type_id: z.int(),
    type: text.optional(),
    version: text.optional(),
    build: text.optional(),
    cpu_bits: z.int().optional(),
  })
  .refine(
    siblings('type_id', 'type', {
      0: 'Unknown',
      100: 'Windows',
      101: 'Windows Mobile',
      200: 'Linux',
      201: 'Android',
      300: 'macOS',
      301: 'iOS',
      302: 'iPadOS',
      400: 'Solaris',
      401: 'AIX',
      402: 'HP-UX',
    }),
  );

const hardware = z
  .strictObject({ cpu_architecture: text.optional(), cpu_architecture_id: z.int().optional() })
  .refine(
    siblings('cpu_architecture_id', 'cpu_architecture', { 0: 'Unknown', 1: 'x86', 2: 'ARM', 3: 'RISC-V' }),
  );

const agent = z
  .strictObject({
    uid: text.optional(),
    name: text.optional(),
    vendor_name: text.optional(),
    version: text.optional(),
    type_id: z.int().optional(),
    type: text.optional(),
  })
  .refine(atLeastOne('uid', 'name'))
  .refine(siblings('type_id', 'type', { 1: 'Endpoint Detection and Response' }));

const device = z
  .strictObject({
    type_id: z.int(),
    type: text.optional(),
    uid: text.optional(),
    uid_alt: text.optional(),
    hostname: text.optional(),
    name: text.optional(),
    domain: text.optional(),
    ip: ip.optional(),
    mac: mac.optional(),
    network_interfaces: z.array(networkInterface).min(1).optional(),
    os: operatingSystem.optional(),
    hw_info: hardware.optional(),
    instance_uid: text.optional(),
    groups: z
      .array(
        z
          .strictObject({ uid: text.optional(), name: text.optional(), type: text.optional() })
          .refine(atLeastOne('uid', 'name')),
      )
      .min(1)
      .optional(),
    agent_list: z.array(agent).min(1).optional(),
    is_managed: z.boolean().optional(),
    risk_level_id: z.int().optional(),
    risk_level: text.optional(),
    first_seen_time: timestamp.optional(),
    first_seen_time_dt: datetime.optional(),
    last_seen_time: timestamp.optional(),
    last_seen_time_dt: datetime.optional(),
  })
  .refine(atLeastOne('ip', 'uid', 'name', 'hostname', 'instance_uid', 'interface_uid', 'interface_name'))
  .refine(
    siblings('type_id', 'type', {
      0: 'Unknown',
      1: 'Server',
      2: 'Desktop',
      3: 'Laptop',
      4: 'Tablet',
      5: 'Mobile',
      6: 'Virtual',
      7: 'IOT',
      8: 'Browser',
      9: 'Firewall',
      10: 'Switch',
      11: 'Hub',
      12: 'Router',
      13: 'IDS',
      14: 'IPS',
      15: 'Load Balancer',
    }),
  )
  .refine(
    siblings('risk_level_id', 'risk_level', { 0: 'Info', 1: 'Low', 2: 'Medium', 3: 'High', 4: 'Critical' }),
  )
  .refine(datetimeProfile('first_seen_time', 'last_seen_time'));

const enrichment = z
  .strictObject({
    name: text,
    value: text,
    data: z.record(z.string(), z.unknown()),
    type: text.optional(),
    provider: text.optional(),
    short_desc: text.optional(),
    created_time: timestamp.optional(),
    created_time_dt: datetime.optional(),
  })
  .refine(datetimeProfile('created_time'));

export const ocsfModel = z
  .strictObject({
    activity_id: z.literal([0, 1, 2, 99]),
    activity_name: text.optional(),
    category_uid: z.literal(5),
    category_name: z.literal('Discovery').optional(),
    class_uid: z.literal(5001),
    class_name: z.literal('Device Inventory Info').optional(),
    type_uid: z.int(),
    type_name: text.optional(),
    severity_id: z.int(),
    severity: text.optional(),
    time: timestamp,
    time_dt: datetime.optional(),
    metadata: z.strictObject({
      version: z.literal('1.8.0'),
      profiles: z.array(z.literal('datetime')),
      product: z
        .strictObject({ name: text.optional(), uid: text.optional(), vendor_name: text.optional() })
        .refine(atLeastOne('name', 'uid')),
    }),
    device,
    enrichments: z.array(enrichment).min(1).optional(),
  })
  .refine(({ class_uid, activity_id, type_uid }) => type_uid === class_uid * 100 + activity_id)
  .refine(siblings('activity_id', 'activity_name', { 0: 'Unknown', 1: 'Log', 2: 'Collect' }))
  .refine(
    siblings('severity_id', 'severity', {
      0: 'Unknown',
      1: 'Informational',
      2: 'Low',
      3: 'Medium',
      4: 'High',
      5: 'Critical',
      6: 'Fatal',
    }),
  )
  .refine(datetimeProfile('time'));
