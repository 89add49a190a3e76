/** Queues and tables of one run; the settings of the app by these names. */
export interface RunNames extends Record<string, string> {
  ALERTS_QUEUE: string;
  ENRICHMENTS_QUEUE: string;
  ENRICHMENTS_TABLE: string;
  STATE_TABLE: string;
}

export function namesOfRun(run: number): RunNames {
  return {
    ALERTS_QUEUE: `alerts-${run}`,
    ENRICHMENTS_QUEUE: `enrichments-${run}`,
    ENRICHMENTS_TABLE: `Enrichments${run}`,
    STATE_TABLE: `State${run}`,
  };
}
