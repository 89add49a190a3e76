import type { Device } from '../device/device.ts';
import type { Content, Fact, Link } from './content.ts';
import { findingsOf } from './findings.ts';
import { plainText } from './plainText.ts';
import { timeSpan } from './timeSpan.ts';

const MOST_TAGS = 10;
const LONGEST_TAG = 100;
const MOST_ADDRESSES = 6;

/** An MDE device ID, a SHA-1 in hexadecimal digits; nothing else becomes part of an address. */
const DEVICE_ID = /^[0-9a-f]{40}$/i;
/** The device page of the Defender portal. */
const DEVICE_PAGE = 'https://security.microsoft.com/machines/';

/** What a person reads about a device in an incident comment. What the source does not say is left out. */
export function deviceContent(device: Device): Content {
  return {
    title: device.computerDnsName ?? 'Device without a name',
    findings: findingsOf(device),
    facts: factsOf(device).filter(({ values }) => values.length > 0),
    links: [
      ...devicePage('Open in the Defender portal', device.id),
      ...devicePage('Open the record it was merged into', device.mergedInto),
    ],
  };
}

function factsOf(device: Device): Fact[] {
  const { os, lastSeen, lastSeenAge, groupId, groupName, cloud } = device;
  return [
    fact('Operating system', joined(' ', os.osPlatform, os.version, os.architecture)),
    fact('Risk', level(device.risk)),
    fact('Exposure', level(device.exposure)),
    fact('Device value', level(device.deviceValue)),
    fact('Sensor health', level(device.health)),
    fact('Onboarding', level(device.onboarding)),
    fact('Last full report', lastSeen && seenText(lastSeen, lastSeenAge ?? 0)),
    fact('Device group', groupName ?? (groupId === '0' ? 'ungrouped' : groupId)),
    {
      label: 'Tags',
      values: shortened(
        MOST_TAGS,
        device.tags.map((tag) => plainText(tag, LONGEST_TAG)),
      ),
    },
    { label: 'Addresses', values: shortened(MOST_ADDRESSES, device.ips) },
    fact('External address', device.externalIp && `${device.externalIp.ip} (may be shared)`),
    fact('Cloud', cloud && joined(' ', cloud.provider, cloud.vmId)),
    fact('Cloud resource', cloud?.resourceId ?? null),
    fact('Device ID', device.id),
  ];
}

function fact(label: string, value: string | null): Fact {
  return { label, values: value === null ? [] : [value] };
}

function level({ value, text }: { value: string | null; text: string | null }): string | null {
  return text ?? value;
}

function joined(separator: string, ...parts: (string | null)[]): string | null {
  return parts.filter((part) => part !== null).join(separator) || null;
}

function seenText(lastSeen: string, ageInSeconds: number): string {
  return `${lastSeen.slice(0, 16).replace('T', ' ')} UTC, ${timeSpan(ageInSeconds)} before this look-up`;
}

function shortened(most: number, values: string[]): string[] {
  return values.length > most ? [...values.slice(0, most), `${values.length - most} more`] : values;
}

function devicePage(label: string, id: string | null): Link[] {
  return id !== null && DEVICE_ID.test(id) ? [{ label, url: `${DEVICE_PAGE}${id.toLowerCase()}` }] : [];
}
