/**
 * What is done with an enrichment; put your own work here. It may run twice for one submission when this program dies
 * before the submission is marked as handled, so let it write under a name that holds the submission ID.
 * @returns What was decided, for the log.
 */
export function triage({ outcome, alertId, device, error }) {
  switch (outcome) {
    case 'enriched':
      return `${alertId}: ${device.hostname ?? device.id}, risk ${device.risk.value}`;
    case 'not_found':
      return `${alertId}: Defender knows no device, so a person has to look`;
    case 'failed':
      return `${alertId}: could not be enriched (${error.code}), so it goes on without a device`;
    default:
      throw new Error(`The outcome ${outcome} is not known: update this program.`);
  }
}
