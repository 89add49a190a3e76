/** The values that MDE documents, in MDE's spelling. */
export const HEALTH_STATUSES = [
  'Active',
  'Inactive',
  'ImpairedCommunication',
  'NoSensorData',
  'NoSensorDataImpairedCommunication',
  'Unknown',
] as const;
export const ONBOARDING_STATUSES = [
  'Onboarded',
  'CanBeOnboarded',
  'Unsupported',
  'InsufficientInfo',
] as const;
export const RISK_LEVELS = ['None', 'Informational', 'Low', 'Medium', 'High'] as const;
export const EXPOSURE_LEVELS = ['None', 'Low', 'Medium', 'High'] as const;
export const DEVICE_VALUES = ['Normal', 'Low', 'High'] as const;

/** One of a closed list of values, or `Other` with the source's text, or null and null when the source is silent. */
export interface Level<Value extends string> {
  value: Value | 'Other' | null;
  text: string | null;
}

/** Finds the value whatever its case: MDE's documents and payloads disagree ("onboarded", "Onboarded"). */
export function levelOf<Value extends string>(values: readonly Value[], text: string | null): Level<Value> {
  if (text === null) {
    return { value: null, text: null };
  }
  const wanted = text.toLowerCase();
  const value = values.find((candidate) => candidate.toLowerCase() === wanted);
  return value === undefined ? { value: 'Other', text } : { value, text: null };
}
