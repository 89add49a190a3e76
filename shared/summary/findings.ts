import type { Device } from '../device/device.ts';
import { timeSpan } from './timeSpan.ts';

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
