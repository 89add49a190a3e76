import type { Device } from '../device/device.ts';
import { plainText } from './renderers.ts';

/** What a summary says, before it is written as Markdown or HTML. All texts may come from a device or its users. */
export interface Content {
  title: string;
  /** What stands out, the most important first. */
  findings: string[];
  facts: Fact[];
  links: Link[];
}

export interface Fact {
  label: string;
  values: string[];
}

/** A link of our own making: no part of the address may come from a device, but for an ID that was checked. */
export interface Link {
  label: string;
  url: string;
}

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

const DAY_S = 86_400;
/**
 * A device that has not reported for a week is no longer in daily use; MDE calls it inactive after the same time
 * (https://learn.microsoft.com/defender-endpoint/fix-unhealthy-sensors).
 */
const STALE_AFTER_S = 7 * DAY_S;

/** What a person must know of a device before anything else, the most important first. */
export function findingsOf(device: Device): string[] {
  const { risk, exposure, deviceValue, onboarding, health, lastSeenAge } = device;
  const findings: (string | false)[] = [
    device.merged && `Merged into device ${device.mergedInto}: act on that record`,
    risk.value === 'High' && 'High risk',
    onboarding.value !== null &&
      onboarding.value !== 'Onboarded' &&
      `Not onboarded: ${onboarding.text ?? onboarding.value}`,
    lastSeenAge !== null &&
      lastSeenAge > STALE_AFTER_S &&
      `Stale: no full report for ${timeSpan(lastSeenAge)}`,
    device.excluded === true &&
      `Excluded from vulnerability management${device.exclusionReason === null ? '' : `: ${device.exclusionReason}`}`,
    device.possibleDuplicate === true && 'Possible duplicate of another record',
    exposure.value === 'High' && 'High exposure',
    deviceValue.value === 'High' && 'High-value device',
    health.value !== null && health.value !== 'Active' && `Sensor not active: ${health.text ?? health.value}`,
  ];
  return findings.filter((finding) => finding !== false);
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** A number of seconds in the largest whole unit that it fills, such as `3 hours`. */
export function timeSpan(seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['second', 1];
  const count = Math.floor(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
