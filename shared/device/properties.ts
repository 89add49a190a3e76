import * as z from 'zod';
import { parseAddress, parseMac } from './addresses.ts';
import type { Machine } from './machine.ts';
import { parseTimestamp } from './times.ts';

/** Null, missing, blank and unreadable all mean that the source says nothing. */
function orNull<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullable().catch(null);
}

/** `null` as text is a value that some writer has lost, not a name. */
const text = z
  .string()
  .trim()
  .min(1)
  .refine((value) => value.toLowerCase() !== 'null');
/** Words that fill a place where nothing is known. Where a list of values has one of them, it is a value there. */
const PLACEHOLDERS = new Set([
  'other',
  'unknown',
  'none',
  'undefined',
  'unspecified',
  'n/a',
  'na',
  '-',
  '--',
  '?',
]);
/** A text that says something. */
const told = text.refine((value) => !PLACEHOLDERS.has(value.toLowerCase()));
/** MDE documents `rbacGroupId` as text and sends a number; the same can befall version and build. */
const textOrNumber = z.union([z.number().transform(String), text]);
const toldOrNumber = z.union([z.number().transform(String), told]);
/** What MDE, Entra and Azure write for "none". */
const NO_GUID = '00000000-0000-0000-0000-000000000000';
const identifier = told.refine((value) => value !== NO_GUID);
const timestamp = text.transform(parseTimestamp);
const ipAddress = text.transform(parseAddress);

const addressEntrySchema = z.object({
  ipAddress: orNull(ipAddress),
  macAddress: orNull(text.transform(parseMac)),
  type: orNull(text),
  operationalStatus: orNull(text),
});
/** One entry of a machine's `ipAddresses`. */
export type AddressEntry = z.infer<typeof addressEntrySchema>;

/**
 * Every machine property that is documented or was seen in real payloads, and what a machine made from Microsoft Graph
 * has beyond those, read tolerantly.
 */
export const propertiesSchema = z.object({
  mergedIntoMachineId: orNull(text),
  isPotentialDuplication: orNull(z.boolean()),
  isExcluded: orNull(z.boolean()),
  exclusionReason: orNull(told),
  computerDnsName: orNull(text),
  firstSeen: orNull(timestamp),
  lastSeen: orNull(timestamp),
  osPlatform: orNull(told),
  osVersion: orNull(toldOrNumber),
  osProcessor: orNull(told),
  version: orNull(toldOrNumber),
  lastIpAddress: orNull(ipAddress),
  lastExternalIpAddress: orNull(ipAddress),
  agentVersion: orNull(told),
  osBuild: orNull(toldOrNumber),
  healthStatus: orNull(text),
  deviceValue: orNull(text),
  rbacGroupId: orNull(textOrNumber),
  rbacGroupName: orNull(text),
  riskScore: orNull(text),
  exposureLevel: orNull(text),
  isAadJoined: orNull(z.boolean()),
  aadDeviceId: orNull(identifier),
  machineTags: orNull(z.array(orNull(text))),
  defenderAvStatus: orNull(text),
  onboardingStatus: orNull(text),
  osArchitecture: orNull(told),
  managedBy: orNull(text),
  managedByStatus: orNull(text),
  ipAddresses: orNull(z.array(orNull(addressEntrySchema))),
  vmMetadata: orNull(
    z.object({
      vmId: orNull(identifier),
      cloudProvider: orNull(told),
      resourceId: orNull(told),
      subscriptionId: orNull(identifier),
      /** Microsoft Graph only, as are the next ones. */
      awsResourceName: orNull(told),
      gcpFullResourceName: orNull(told),
    }),
  ),
  loggedOnUsers: orNull(z.array(orNull(z.object({ accountName: orNull(text), domainName: orNull(text) })))),
  deviceType: orNull(told),
  osDistribution: orNull(told),
});
export type Properties = z.infer<typeof propertiesSchema>;

const NAME_BY_LOWER_CASE = new Map(
  Object.keys(propertiesSchema.shape).map((name) => [name.toLowerCase(), name]),
);

/**
 * Reads what is known of a machine. `unread` names, as JSON Pointers, every value that could not be read: properties that
 * this version does not know, and known ones of an unexpected type or format. Never throws.
 */
export function readProperties(machine: Machine): { properties: Properties; unread: string[] } {
  const { id: _, ...given } = withKnownNames(machine);
  const properties = propertiesSchema.parse(given);
  return { properties, unread: unreadPaths(given, properties, '') };
}

/** MDE's documents differ in the case of property names (`onboardingstatus`); an exact name wins. */
function withKnownNames(machine: Machine): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(machine).map(([name, value]) => {
      const known = NAME_BY_LOWER_CASE.get(name.toLowerCase()) ?? name;
      return [Object.hasOwn(machine, known) ? name : known, value];
    }),
  );
}

/** Compares a value with what was read of it; goes no deeper than the reading does. */
function unreadPaths(given: unknown, read: unknown, path: string): string[] {
  if (saysNothing(given)) {
    return [];
  }
  if (read === null || read === undefined) {
    return [path];
  }
  if (!isCollection(given) || !isCollection(read)) {
    return [];
  }
  return Object.entries(given)
    .filter(([name]) => !isAnnotation(name))
    .flatMap(([name, value]) =>
      unreadPaths(value, Object.hasOwn(read, name) ? read[name] : null, `${path}/${escapeToken(name)}`),
    );
}

function saysNothing(value: unknown): boolean {
  const content = typeof value === 'string' ? value.trim().toLowerCase() : (value ?? '');
  if (typeof content !== 'string') {
    return false;
  }
  return content === '' || content === 'null' || content === NO_GUID || PLACEHOLDERS.has(content);
}

/** An object, or a list by its indexes. */
function isCollection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** OData's control information (`@odata.context`, `machineTags@odata.type`) is about the transport, not the device. */
function isAnnotation(name: string): boolean {
  return name.includes('@odata.');
}

/** Escapes a property name for a JSON Pointer (RFC 6901). */
function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
