/** Where the enrichment of an alert is found, with the route prefix that host.json leaves at its default. */
export function locationOf(alertId: string): string {
  return `/api/enrichments/${alertId}`;
}
