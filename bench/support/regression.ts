/** A straight line through points by least squares. */
export interface Line {
  slope: number;
  intercept: number;
  /** The true slope lies between these two with a confidence of 95 %. */
  slopeRange: { lowest: number; highest: number };
}

export interface Point {
  x: number;
  y: number;
}

/**
 * Fits a line. Where each point resembles the one before, as those of a time series do, the points tell less: the range
 * is that of as many independent points as they are worth by the lag-1 autocorrelation r of their residuals,
 * n(1 - r)/(1 + r) (Santer et al., Journal of Geophysical Research 105, 2000). Of 60 points that keep half of the
 * deviation before, that holds the true slope in nine of ten cases, not in 95 %.
 * @param points In their order in time.
 * @throws RangeError for fewer than three points, or when all lie at one x.
 */
export function fitLine(points: readonly Point[]): Line {
  const count = points.length;
  if (count < 3) {
    throw new RangeError(`A line with a range needs three points or more, not ${count}.`);
  }
  const meanX = sumOf(points.map(({ x }) => x)) / count;
  const meanY = sumOf(points.map(({ y }) => y)) / count;
  const sxx = sumOf(points.map(({ x }) => (x - meanX) ** 2));
  if (sxx === 0) {
    throw new RangeError('All points lie at one x: no line has a slope there.');
  }
  const slope = sumOf(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / sxx;
  const intercept = meanY - slope * meanX;
  const residuals = points.map(({ x, y }) => y - intercept - slope * x);
  const degrees = Math.max(1, Math.floor(worthOf(residuals)) - 2);
  const error = Math.sqrt(sumOf(residuals.map((residual) => residual ** 2)) / degrees / sxx);
  const reach = quantileOfT(degrees) * error;
  return { slope, intercept, slopeRange: { lowest: slope - reach, highest: slope + reach } };
}

/** How many independent residuals these are worth. */
function worthOf(residuals: readonly number[]): number {
  const scatter = sumOf(residuals.map((residual) => residual ** 2));
  if (scatter === 0) {
    return residuals.length;
  }
  const together = sumOf(residuals.slice(1).map((residual, index) => residual * (residuals[index] ?? 0)));
  const likeness = Math.max(0, together / scatter);
  return (residuals.length * (1 - likeness)) / (1 + likeness);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/**
 * The 97.5 % quantile of Student's t distribution: exact for 1 and 2 degrees of freedom, else by the expansion about
 * the normal quantile (Abramowitz and Stegun, 26.7.5), which is right to 1 % from 3 degrees on.
 */
export function quantileOfT(degrees: number): number {
  if (degrees === 1) {
    return 12.7062;
  }
  if (degrees === 2) {
    return 4.3027;
  }
  const z = 1.959964;
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}
