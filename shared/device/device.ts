import * as z from 'zod';
import { ADDRESS_SCOPES } from './addresses.ts';
import {
  DEVICE_VALUES,
  EXPOSURE_LEVELS,
  HEALTH_STATUSES,
  ONBOARDING_STATUSES,
  RISK_LEVELS,
} from './levels.ts';
import { ARCHITECTURES, DEVICE_TYPES, OS_FAMILIES } from './platform.ts';
import { deviceTimeSchema } from './times.ts';

const text = z.string().min(1);
const ip = z.union([z.ipv4(), z.ipv6()]);
const mac = z.string().regex(/^[0-9A-F]{2}(?:-[0-9A-F]{2}){5}$/);
const scope = z
  .enum(ADDRESS_SCOPES)
  .describe(
    'What the address is good for; "shared" is carrier-grade NAT, "reserved" any other special-purpose range.',
  );

const address = z.strictObject({
  ip: ip.describe('Address in canonical text: IPv6 as in RFC 5952, without zone.'),
  version: z.literal([4, 6]).describe('IP version.'),
  scope,
});

const networkInterface = z.strictObject({
  mac: mac.nullable().describe('MAC address; null for the group of addresses without one.'),
  type: text
    .nullable()
    .describe('Adapter type in the words of MDE, such as Ethernet; null when entries differ.'),
  status: text
    .nullable()
    .describe('Operational status in the words of MDE; that of the best entry, such as Up or Down.'),
  addresses: z
    .array(
      address.extend({
        type: text.nullable().describe('Adapter type that MDE gives with this address.'),
        status: text.nullable().describe('Operational status that MDE gives with this address.'),
      }),
    )
    .describe('Addresses of the interface, without duplicates, those that are down last.'),
});

/** A closed list of values; one that MDE adds later arrives as `Other` with its text, and breaks no consumer. */
function level<const Values extends readonly string[]>(values: Values) {
  return z.strictObject({
    value: z
      .enum([...values, 'Other'] as [...Values, 'Other'])
      .nullable()
      .describe('One of the known values in the spelling of MDE, "Other" for an unknown one, or null.'),
    text: text.nullable().describe('The words of MDE when value is "Other", otherwise null.'),
  });
}

/**
 * Device 1.0: one MDE machine, normalized. Every field is always present (those with a default are missing in rows
 * that an earlier release stored); null means that the source does not say,
 * and nothing is guessed. A field that only repeats the source keeps the source's name.
 */
export const deviceSchema = z
  .strictObject({
    schemaVersion: z.literal('1.0').describe('Version of this schema.'),
    id: text.describe('MDE device ID.'),
    hostname: text.nullable().describe('Short name, lower-case.'),
    fqdn: text
      .nullable()
      .describe('Fully qualified name, lower-case; null when MDE knows the short name only.'),
    domain: text.nullable().describe('DNS domain: what follows the first dot of fqdn.'),
    computerDnsName: text.nullable().describe('Name as MDE reports it; chosen by the user of the device.'),
    type: z
      .enum(DEVICE_TYPES)
      .nullable()
      .describe(
        'Kind of device where the platform or cloud identity proves it; "virtual" is any virtual machine.',
      ),
    os: z
      .strictObject({
        family: z.enum(OS_FAMILIES).nullable().describe('Family; "other" when osPlatform is unknown.'),
        osPlatform: text.nullable().describe('Platform in the words of MDE, such as Windows11 or Ubuntu.'),
        version: text.nullable().describe('Feature release or distribution version, such as 22H2 or 9.5.'),
        build: text.nullable().describe('Build number; meaningful on Windows only.'),
        distribution: text
          .nullable()
          .default(null)
          .describe('Distribution in the words of Microsoft Graph, where that is the source; else null.'),
        osVersion: text
          .nullable()
          .describe('MDE property of that name, undocumented and null in all known records.'),
        architecture: z
          .enum(ARCHITECTURES)
          .nullable()
          .describe('Architecture, from osProcessor and osArchitecture.'),
        bits: z.literal([32, 64]).nullable().describe('Width of the operating system.'),
        osProcessor: text.nullable().describe('Processor in the words of MDE, such as x64.'),
        osArchitecture: text.nullable().describe('Architecture in the words of MDE, such as 64-bit.'),
      })
      .describe('Operating system.'),
    health: level(HEALTH_STATUSES).describe('State of the sensor; not whether the device is online.'),
    onboarding: level(ONBOARDING_STATUSES).describe('Whether the device is onboarded to MDE.'),
    risk: level(RISK_LEVELS).describe('Risk level as MDE evaluates it.'),
    exposure: level(EXPOSURE_LEVELS).describe('Exposure level as MDE evaluates it.'),
    deviceValue: level(DEVICE_VALUES).describe('Importance of the device, set by the organization.'),
    ip: ip
      .nullable()
      .describe(
        'Best address of the device: lastIp, else one of its interfaces; never loopback or link-local.',
      ),
    mac: mac.nullable().describe('MAC address of the interface that holds ip, else the first one.'),
    ips: z.array(ip).describe('All addresses that can tell hosts apart, ip first, those that are down last.'),
    macs: z.array(mac).describe('All MAC addresses, those that are down last.'),
    lastIp: address.nullable().describe('Last local address that MDE saw, whatever its scope.'),
    externalIp: address
      .nullable()
      .describe(
        'Address from which the device reached the internet; often shared with others, never an identity.',
      ),
    interfaces: z
      .array(networkInterface)
      .describe('Network interfaces, one for each MAC address, down ones last.'),
    entraDeviceId: text
      .nullable()
      .describe('Microsoft Entra device ID, lower-case; may be null although entraJoined is true.'),
    entraJoined: z.boolean().nullable().describe('Whether the device is joined to Microsoft Entra ID.'),
    cloud: z
      .strictObject({
        provider: text.nullable().describe('Cloud provider, lower-case, such as azure.'),
        vmId: text.nullable().describe('ID of the virtual machine.'),
        resourceId: text.nullable().describe('Resource ID; a strong identifier in Microsoft Sentinel.'),
        subscriptionId: text.nullable().describe('Subscription or account.'),
        awsResourceName: text
          .nullable()
          .default(null)
          .describe('Amazon Resource Name of an AWS instance; Microsoft Graph alone tells it.'),
        gcpResourceName: text
          .nullable()
          .default(null)
          .describe('Full resource name of a Google Cloud instance; Microsoft Graph alone tells it.'),
      })
      .nullable()
      .describe('Identity of a cloud virtual machine; null when MDE knows of none.'),
    deviceType: text
      .nullable()
      .default(null)
      .describe('Kind of device in the words of Microsoft Graph, such as Workstation; else null.'),
    loggedOnUsers: z
      .array(
        z.strictObject({
          name: text.nullable().describe('Account name.'),
          domain: text.nullable().describe('Domain of the account, as Windows or the device names it.'),
        }),
      )
      .nullable()
      .default(null)
      .describe('Users who were logged on at the time of the alert; null where the source does not say.'),
    groupId: text.nullable().describe('ID of the device group as text; "0" means ungrouped.'),
    groupName: text.nullable().describe('Name of the device group; null when ungrouped.'),
    tags: z.array(text).describe('Device tags without duplicates; free text that users of the portal chose.'),
    agentVersion: text.nullable().describe('Version of the MDE sensor.'),
    avStatus: text.nullable().describe('State of Defender Antivirus in the words of MDE.'),
    managedBy: text.nullable().describe('What manages the device, in the words of MDE.'),
    managedByStatus: text.nullable().describe('State of that management in the words of MDE.'),
    excluded: z
      .boolean()
      .nullable()
      .describe('Whether the device is excluded from vulnerability management.'),
    exclusionReason: text.nullable().describe('Why it is excluded, in the words of MDE.'),
    possibleDuplicate: z
      .boolean()
      .nullable()
      .describe('Whether MDE suspects a second record of the same device.'),
    merged: z.boolean().describe('True when MDE has merged this record into that of another device.'),
    mergedInto: text.nullable().describe('MDE device ID of that other device.'),
    firstSeen: deviceTimeSchema
      .nullable()
      .describe('First time MDE saw the device; ISO 8601, UTC, milliseconds.'),
    firstSeenExact: text
      .nullable()
      .describe('The text of MDE when it is finer than milliseconds, otherwise null.'),
    lastSeen: deviceTimeSchema
      .nullable()
      .describe(
        'Last full report, about one a day: says nothing about being online; ISO 8601, UTC, milliseconds.',
      ),
    lastSeenExact: text
      .nullable()
      .describe('The text of MDE when it is finer than milliseconds, otherwise null.'),
    lastSeenAge: z
      .int()
      .min(0)
      .nullable()
      .describe(
        'Seconds from lastSeen to the enrichment. Up to about a day is normal for a device in daily use.',
      ),
    unread: z
      .array(text)
      .describe(
        'JSON Pointers into the raw record, to the values that no field carries: unknown properties and unreadable values.',
      ),
  })
  .describe('A device known to Microsoft Defender for Endpoint (MDE), normalized.');
export type Device = z.infer<typeof deviceSchema>;
