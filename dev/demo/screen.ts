import { stripVTControlCharacters, styleText } from 'node:util';
import { formatDuration } from '#shared/config/setting.ts';
import type { QuotaReport } from '#shared/quota/quotaReport.ts';
import { columns } from '#shared/text.ts';
import type { Results } from './results.ts';

/** How far the samples are. */
export interface Progress {
  submitted: number;
  /** Submissions and malformed parts of the samples that have not ended yet. */
  open: number;
  results: Results;
  /** Why submissions wait that were put back. */
  waiting: readonly string[];
  /** What each call asked for. */
  calls: readonly string[];
  /** Undefined where it cannot be read. */
  quota: Pick<QuotaReport, 'windows' | 'drainedBy'> | undefined;
  elapsedMs: number;
}

/** Why submissions wait, to a person. */
const REASONS: Record<string, string> = {
  not_found: 'not known to Defender yet',
  quota: 'for a turn in the quota',
  throttled: 'told to slow down',
  denied: 'without permission',
  unavailable: 'after a failed call',
  claimed: 'same alert under way',
};

/** The routes of the simulator, to a person. */
const ROUTES: Record<string, string> = {
  alertMachine: 'for one alert',
  alerts: 'for lists of alerts',
  machines: 'for lists of devices',
  graphAlert: 'for one alert',
  graphAlerts: 'for lists of alerts',
  hunting: 'of hunting',
};

/** A row for each thing that is counted: its name, how many, and what there is to say about them. */
export function progressRows(progress: Progress): string[][] {
  const { submitted, open, results, waiting, calls, quota, elapsedMs } = progress;
  const outcomes = [...results.enrichments.values()].map(({ outcome }) => outcome);
  const count = (wanted: string) => String(outcomes.filter((outcome) => outcome === wanted).length);
  const windows = quota?.windows.map(
    ({ limit, used }) => `${used} of ${limit.calls} in ${formatDuration(limit.windowMs)}`,
  );
  const end = open > 0 ? quota?.drainedBy?.toLocaleTimeString('en-GB') : undefined;
  const seconds = Math.round(elapsedMs / 1_000);
  return [
    ['submitted', String(submitted), `${bar(submitted - open, submitted)}  ${seconds} s`],
    ['enriched', count('enriched')],
    ['not found', count('not_found')],
    ['dead letters', String(results.deadLetters.length)],
    ['deferred', String(waiting.length), tally(waiting, REASONS)],
    ['calls', String(calls.length), tally(calls, ROUTES)],
    ['quota', '', (windows?.join(', ') ?? '') + (end === undefined ? '' : `; all done by ${end}`)],
  ];
}

const BAR_LENGTH = 24;
function bar(done: number, all: number): string {
  const length = all === 0 ? BAR_LENGTH : Math.floor((BAR_LENGTH * done) / all);
  return styleText('green', '█'.repeat(length)) + styleText('dim', '░'.repeat(BAR_LENGTH - length));
}

/** How often each occurs, such as `20 for one alert, 3 for lists of devices`. */
function tally(things: readonly string[], words: Record<string, string>): string {
  const groups = Map.groupBy(things, (thing) => words[thing] ?? thing);
  return [...groups].map(([word, { length }]) => `${length} ${word}`).join(', ');
}

/** Where the demo shows what happens. */
export interface Screen {
  /** On a terminal a picture that moves, elsewhere a line whenever the counts have changed. */
  show(progress: Progress): void;
  /** A line above the picture. */
  note(line: string): void;
  /** Lines below the picture, which stays as it is and moves no more. */
  print(lines: readonly string[]): void;
}

export function createScreen(output: NodeJS.WriteStream): Screen {
  let picture: string[] = [];
  let counts = '';
  const write = (lines: readonly string[]) => output.write(lines.map((line) => `${line}\n`).join(''));
  const erase = () => {
    if (picture.length > 0) {
      output.moveCursor(0, -picture.length);
      output.cursorTo(0);
      output.clearScreenDown();
    }
  };
  return {
    show(progress) {
      const rows = progressRows(progress);
      if (output.isTTY) {
        erase();
        picture = columns(rows).map((line) => fitted(`  ${line}`, output.columns));
        write(picture);
        return;
      }
      // Time and calls alone are no news.
      const line = rows.slice(1, 5).map(([name, count]) => `${count} ${name}`);
      if (line.join(', ') !== counts) {
        counts = line.join(', ');
        write([`${String(Math.round(progress.elapsedMs / 1_000)).padStart(4)} s  ${counts}`]);
      }
    },
    note(line) {
      erase();
      write([line, ...picture]);
    },
    print(lines) {
      picture = [];
      write(lines);
    },
  };
}

/** A line that wraps would be two, and the picture would not be erased whole. */
function fitted(line: string, width: number): string {
  const text = stripVTControlCharacters(line);
  return text.length < width ? line : text.slice(0, width - 1);
}
