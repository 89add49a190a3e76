const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const DURATION = /^(\d+)(ms|s|m|h|d)$/;

/** Milliseconds of a duration such as `500ms`, `30s`, `2m`, `1h`, `7d` or `0`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  const milliseconds = Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** The shortest text that `parseDuration` reads back as the same whole number of milliseconds. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0';
  const [unit, size] = Object.entries(UNITS_MS).find(([, size]) => milliseconds % size === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}
