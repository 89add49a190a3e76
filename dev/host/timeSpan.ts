/** The longest delay that a Node timer can hold, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Milliseconds of a .NET time span as host.json writes it, `[d.]hh:mm:ss[.fff]`;
 * undefined for any other text.
 */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d\d?):([0-5]?\d):([0-5]?\d(?:\.\d{1,7})?)$/.exec(text);
  if (!match) {
    return undefined;
  }
  const [, days = '0', hours, minutes, seconds] = match;
  if (Number(hours) > 23) {
    return undefined;
  }
  const milliseconds =
    ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1000;
  return milliseconds <= LONGEST_TIMER_MS ? milliseconds : undefined;
}
