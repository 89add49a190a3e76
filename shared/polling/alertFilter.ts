import type { ListedAlert } from '../sources/alertFeed.ts';

/** Which alerts are wanted; an empty list wants all. */
export interface AlertFilter {
  severities: readonly string[];
  statuses: readonly string[];
  detectionSources: readonly string[];
}

/** Upper and lower case are the same: the API's own spelling varies. An alert without the field passes no list of it. */
export function isWanted(alert: ListedAlert, filter: AlertFilter): boolean {
  return (
    isAmong(alert.severity, filter.severities) &&
    isAmong(alert.status, filter.statuses) &&
    isAmong(alert.detectionSource, filter.detectionSources)
  );
}

function isAmong(value: string | undefined, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((name) => name.toLowerCase() === value?.toLowerCase());
}
