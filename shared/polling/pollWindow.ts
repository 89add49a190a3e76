/**
 * Each pass looks back this much further than the watermark, in milliseconds: an alert may become visible a while
 * after the time of its update, and clocks differ.
 */
const OVERLAP_MS = 10 * 60_000;

/** From when on alerts are listed. */
export function windowStart(watermark: Date, now: Date): Date {
  return new Date(earlier(watermark, now).getTime() - OVERLAP_MS);
}

/**
 * The watermark after a complete pass: the latest update that the pass saw, but not beyond its start, because alerts
 * updated since may have moved on the list to where the pass did not see them. It goes back only where it was ahead
 * of the clock.
 */
export function nextWatermark(watermark: Date, latestUpdate: Date | undefined, passStartedAt: Date): Date {
  const current = earlier(watermark, passStartedAt);
  const seen = earlier(latestUpdate ?? current, passStartedAt);
  return seen > current ? seen : current;
}

function earlier(left: Date, right: Date): Date {
  return left < right ? left : right;
}
