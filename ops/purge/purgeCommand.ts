import { formatDuration, parseDuration } from '#shared/config/setting.ts';
import { counted } from '#shared/text.ts';
import { timeOf } from '../words.ts';
import { type PurgeDeps, type PurgeReport, purge } from './purge.ts';

/** What the command `purge` works with. */
export interface PurgeCommandDeps extends Pick<PurgeDeps, 'enrichments' | 'state' | 'now'> {
  timing: { maxAgeMs: number; reuseForMs: number };
  stream: NodeJS.WriteStream;
  print: (...lines: string[]) => void;
}

/**
 * How old a row must be to be purged, in milliseconds.
 * @throws Error for what is no duration, or shorter than alerts may be at work.
 */
export function readAge(text: string, { maxAgeMs, reuseForMs }: PurgeCommandDeps['timing']): number {
  const ageMs = parseDuration(text);
  const shortest = Math.max(maxAgeMs, reuseForMs);
  if (ageMs !== undefined && ageMs >= shortest) {
    return ageMs;
  }
  throw new Error(
    `--older-than: expected a duration such as 90d, and at least ${formatDuration(shortest)} (MAX_AGE, REUSE_FOR): so long an alert may be at work, and its row keeps it from being looked up or published twice.`,
  );
}

/** Runs a purge that ends in good order on Ctrl+C. @returns Whether all is done. */
export async function purgeRows(
  { olderThan, dryRun = false, json }: { olderThan: string; dryRun?: boolean; json?: boolean },
  { timing, stream, print, ...tables }: PurgeCommandDeps,
): Promise<boolean> {
  const before = new Date(tables.now().getTime() - readAge(olderThan, timing));
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  try {
    const onProgress = (seen: number) => {
      if (stream.isTTY) {
        stream.write(`\r${counted(seen, 'old row')} looked at`);
      }
    };
    const report = await purge(before, dryRun, { ...tables, onProgress, signal: interrupt.signal });
    if (stream.isTTY) {
      stream.write('\r\u001b[K');
    }
    print(
      ...(json
        ? [JSON.stringify({ before, dryRun, ...report }, null, 2)]
        : purgeLines(report, before, dryRun)),
    );
    return report.isComplete;
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

/** What a purge did, or a dry run would do, for a person. */
export function purgeLines(report: PurgeReport, before: Date, isDryRun: boolean): string[] {
  const { alerts, deviceRecords, pending, busy, oldest, isComplete } = report;
  const verb = isDryRun ? 'Would delete' : 'Deleted';
  return [
    `${verb} ${counted(alerts, 'row')} of alerts and ${counted(deviceRecords, 'kept device record')}, last written before ${timeOf(before)}.`,
    ...(oldest === undefined ? [] : [`The oldest row of an alert was last written at ${timeOf(oldest)}.`]),
    ...(pending === 0
      ? []
      : [
          `Left alone: ${counted(pending, 'row')} without an answer. Those alerts wait, or their messages are dead letters: npm run ops -- dead-letters`,
        ]),
    ...(busy === 0 ? [] : [`Left alone: ${counted(busy, 'row')} of alerts that came again.`]),
    ...(isComplete ? [] : ['Interrupted. What is deleted stays deleted; run it again to go on.']),
  ];
}
