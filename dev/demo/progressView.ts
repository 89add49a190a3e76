import { stripVTControlCharacters, styleText } from 'node:util';
import type { Progress } from './watchSample.ts';

/** Why submissions wait, to a person. */
const REASONS: Record<string, string> = {
  not_found: 'not known to Defender yet',
  quota: 'for a turn in the quota',
  throttled: 'told to slow down',
  denied: 'without permission',
  unavailable: 'after a failed call',
  claimed: 'same alert under way',
};

/** What calls are for, to a person, by the simulator's routes. */
const ROUTES: Record<string, string> = {
  alertMachine: 'for the device of one alert',
  alerts: 'for lists of alerts',
  machines: 'for up to 30 devices each',
  graphAlert: 'for one alert',
  graphAlerts: 'for lists of alerts',
  hunting: 'for up to 100 devices each',
};

/** Shows how far the sample is. */
export interface ProgressView {
  show(progress: Progress): void;
  /** A line that stays. */
  note(line: string): void;
  /** The last state stays on the screen. */
  end(): void;
}

/** On a terminal a picture that moves, elsewhere a line whenever something has changed. */
export function createProgressView(output: NodeJS.WriteStream): ProgressView {
  return output.isTTY ? pictureView(output) : lineView(output);
}

/** The picture, line by line. */
export function progressPicture(progress: Progress): string[] {
  const { submitted, enriched, notFound, deadLetters, open, callsInMinute, callsInHour } = progress;
  const waiting = sum(progress.waiting.values());
  const row = (name: string, count: number, rest = '') =>
    `  ${name.padEnd(13)}${String(count).padStart(6)}  ${rest}`.trimEnd();
  return [
    row('submitted', submitted, `${bar(submitted - open, submitted)}  ${seconds(progress.elapsedMs)}`),
    row('enriched', enriched),
    row('not found', notFound),
    row('dead letters', deadLetters),
    row('deferred', waiting, reasonsOf(progress.waiting)),
    row('calls', callsInMinute, 'of 100 in the last minute'),
    row('', callsInHour, 'of 1,500 in the last hour'),
    ...[...progress.callsByRoute].map(([route, count]) => row('', count, ROUTES[route] ?? route)),
    ...(progress.expectedAt === undefined ? [] : [`  expected by  ${timeOfDay(progress.expectedAt)}`]),
  ];
}

/** The same in one line. */
export function progressLine(progress: Progress): string {
  const { submitted, enriched, notFound, deadLetters, callsInMinute, callsInHour } = progress;
  const deferred = sum(progress.waiting.values());
  const reasons = deferred === 0 ? '' : ` (${reasonsOf(progress.waiting)})`;
  return [
    `${seconds(progress.elapsedMs).padStart(6)}  submitted ${submitted}`,
    `enriched ${enriched}`,
    `not found ${notFound}`,
    `dead letters ${deadLetters}`,
    `deferred ${deferred}${reasons}`,
    `calls ${callsInMinute} in the last minute, ${callsInHour} in the last hour`,
    ...(progress.expectedAt === undefined ? [] : [`expected by ${timeOfDay(progress.expectedAt)}`]),
  ].join(', ');
}

function pictureView(output: NodeJS.WriteStream): ProgressView {
  let shown: string[] = [];
  const erase = () => {
    if (shown.length > 0) {
      output.moveCursor(0, -shown.length);
    }
    output.cursorTo(0);
    output.clearScreenDown();
  };
  const draw = (lines: string[]) => {
    erase();
    // A line that wraps would be two, and the picture would not be erased whole.
    shown = lines.map((line) => cut(line, output.columns));
    output.write(shown.map((line) => `${line}\n`).join(''));
  };
  return {
    show: (progress) => draw(progressPicture(progress)),
    note(line) {
      const picture = shown;
      erase();
      shown = [];
      output.write(`${line}\n`);
      draw(picture);
    },
    end() {
      shown = [];
    },
  };
}

function lineView(output: NodeJS.WriteStream): ProgressView {
  let last = '';
  return {
    show(progress) {
      // Time and calls alone are no news.
      const state = progressLine({
        ...progress,
        elapsedMs: 0,
        callsInMinute: 0,
        callsInHour: 0,
        expectedAt: undefined,
      });
      if (state !== last) {
        output.write(`${progressLine(progress)}\n`);
      }
      last = state;
    },
    note: (line) => output.write(`${line}\n`),
    end() {},
  };
}

const BAR_LENGTH = 24;

function bar(done: number, all: number): string {
  const length = all === 0 ? BAR_LENGTH : Math.floor((BAR_LENGTH * done) / all);
  return styleText('green', '█'.repeat(length)) + styleText('dim', '░'.repeat(BAR_LENGTH - length));
}

function reasonsOf(waiting: ReadonlyMap<string, number>): string {
  return [...waiting].map(([reason, count]) => `${count} ${REASONS[reason] ?? reason}`).join(', ');
}

function cut(line: string, columns: number): string {
  return stripVTControlCharacters(line).length < columns
    ? line
    : stripVTControlCharacters(line).slice(0, columns - 1);
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1_000)} s`;
}

function timeOfDay(time: Date): string {
  return time.toLocaleTimeString('en-GB');
}

function sum(counts: Iterable<number>): number {
  return [...counts].reduce((total, count) => total + count, 0);
}
