/** What the alerts between the first ones and the last cost this process. */
export interface Cost {
  alerts: number;
  elapsedMs: number;
  /** Processor time of this process, all its threads together. */
  cpuMs: number;
}

export interface MeterPlan {
  /** So many alerts go by before the measurement begins: code is compiled and connections are opened meanwhile. */
  warmUp: number;
  measured: number;
}

/** What a meter reads its figures from, in milliseconds. */
export interface Gauges {
  now(): number;
  cpuMs(): number;
}

export const processGauges: Gauges = {
  now: () => performance.now(),
  cpuMs() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
};

/**
 * Measures between one alert and a later one, so that neither start nor end counts, when fewer are in flight.
 * @param onMeasured Hears the result, once.
 * @returns To be called at the end of each alert.
 */
export function createMeter(plan: MeterPlan, gauges: Gauges, onMeasured: (cost: Cost) => void): () => void {
  let done = 0;
  let begin = { now: 0, cpuMs: 0 };
  return () => {
    done += 1;
    if (done === plan.warmUp) {
      begin = { now: gauges.now(), cpuMs: gauges.cpuMs() };
    }
    if (done === plan.warmUp + plan.measured) {
      onMeasured({
        alerts: plan.measured,
        elapsedMs: gauges.now() - begin.now,
        cpuMs: gauges.cpuMs() - begin.cpuMs,
      });
    }
  };
}
