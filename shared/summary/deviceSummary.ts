import type { Device } from '../device/device.ts';
import { type Content, type Line, type Link, plainText } from './renderers.ts';

const MOST_TAGS = 10;
const LONGEST_TAG = 100;
const MOST_ADDRESSES = 6;

/** An MDE device ID, a SHA-1 in hexadecimal digits; nothing else becomes part of an address. */
const DEVICE_ID = /^[0-9a-f]{40}$/i;
/** The device page of the Defender portal. */
const DEVICE_PAGE = 'https://security.microsoft.com/machines/';

/**
 * What a person reads about a device in an incident comment: whether it is the right record, what Defender thinks of
 * it, whether the record can be trusted, and what it is. What the source does not say is left out.
 */
export function deviceContent(device: Device): Content {
  const lines = [
    line('Merged into', device.merged && `${device.mergedInto}: act on that record`, true),
    ...assessmentOf(device),
    ...recordOf(device),
    ...identityOf(device),
  ];
  return {
    title: device.computerDnsName ?? 'Device without a name',
    lines: lines.filter(({ values }) => values.length > 0),
    links: [
      ...devicePage('Open in the Defender portal', device.id),
      ...devicePage('Open the record it was merged into', device.mergedInto),
    ],
  };
}

function assessmentOf({ risk, exposure, deviceValue }: Device): Line[] {
  return [
    line('Risk level', levelText(risk), risk.value === 'High'),
    line('Exposure level', levelText(exposure), exposure.value === 'High'),
    line('Device value', levelText(deviceValue), deviceValue.value === 'High'),
  ];
}

const DAY_S = 86_400;
/**
 * A device that has not reported for a week is no longer in daily use; MDE calls it inactive after the same time
 * (https://learn.microsoft.com/defender-endpoint/fix-unhealthy-sensors).
 */
const STALE_AFTER_S = 7 * DAY_S;

function recordOf(device: Device): Line[] {
  const { onboarding, health, lastSeen, excluded, exclusionReason, possibleDuplicate } = device;
  const lastSeenAge = device.lastSeenAge ?? 0;
  return [
    line('Onboarding', levelText(onboarding), onboarding.value !== 'Onboarded'),
    line('Sensor health', levelText(health), health.value !== 'Active'),
    line('Last seen', lastSeen && seenText(lastSeen, lastSeenAge), lastSeenAge > STALE_AFTER_S),
    line('Excluded', excluded === true && exclusionText(exclusionReason), true),
    line('Possible duplicate', possibleDuplicate === true && 'of another record', true),
  ];
}

function identityOf({ os, groupId, groupName, tags, ips, externalIp, cloud, id }: Device): Line[] {
  return [
    line('OS', joined(' ', os.osPlatform && platformName(os.osPlatform), os.version, os.architecture)),
    line('Device group', groupName ?? (groupId === '0' ? 'ungrouped' : groupId)),
    list(
      'Tags',
      MOST_TAGS,
      tags.map((tag) => plainText(tag, LONGEST_TAG)),
    ),
    list('IP addresses', MOST_ADDRESSES, ips),
    line('External IP address', externalIp && `${externalIp.ip} (may be shared)`),
    line('Cloud', cloud && joined(' ', cloud.provider, cloud.vmId)),
    line('Cloud resource', cloud?.resourceId ?? null),
    line('Device ID', id),
  ];
}

function line(label: string, value: string | null | false, standsOut = false): Line {
  return { label, values: value ? [value] : [], standsOut };
}

function list(label: string, most: number, values: string[]): Line {
  const shown = values.length > most ? [...values.slice(0, most), `${values.length - most} more`] : values;
  return { label, values: shown, standsOut: false };
}

/** The word of a level as people write it: `NoSensorData` is `No sensor data`. */
function levelText({ value, text }: { value: string | null; text: string | null }): string | null {
  return text ?? value?.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`) ?? null;
}

/** `WindowsServer2012R2` is `Windows Server 2012 R2`; other platforms are names as they are, such as `macOS`. */
function platformName(platform: string): string {
  return platform.startsWith('Windows')
    ? platform.replaceAll(/(?<=[a-z])(?=[A-Z\d])|(?<=\d)(?=[A-Z])/g, ' ')
    : platform;
}

function exclusionText(reason: string | null): string {
  return `from vulnerability management${reason === null ? '' : ` (${reason})`}`;
}

function joined(separator: string, ...parts: (string | null)[]): string | null {
  return parts.filter((part) => part !== null).join(separator) || null;
}

function seenText(lastSeen: string, ageInSeconds: number): string {
  return `${lastSeen.slice(0, 16).replace('T', ' ')} UTC, ${timeSpan(ageInSeconds)} before this look-up`;
}

function devicePage(label: string, id: string | null): Link[] {
  return id !== null && DEVICE_ID.test(id) ? [{ label, url: `${DEVICE_PAGE}${id.toLowerCase()}` }] : [];
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
