import { relative } from 'node:path';
import { stripVTControlCharacters, styleText } from 'node:util';
import { formatDuration } from '#shared/config/setting.ts';
import type { Settings } from '#shared/config/settings.ts';
import type { Device } from '#shared/device/device.ts';
import { ageInWords, coloured, columns, counted, printable, shortened } from '#shared/text.ts';
import { BACKLOG_FORM, type Sample } from './samples.ts';
import type { RunningStack } from './stackFile.ts';
import type { EnrichmentMessage, HostLine, Progress, ProgressView, Results, WatchEnd } from './watch.ts';

/** Why submissions wait, to a person. */
const REASONS: Record<string, string> = {
  not_found: 'not known to Defender yet',
  quota: 'for a turn in the quota',
  throttled: 'told to slow down',
  denied: 'without permission',
  unavailable: 'after a failed call',
  claimed: 'same alert under way',
};

/** How far the sample is, in lines. */
export function progressLines(progress: Progress): string[] {
  const { submitted, open, enriched, notFound, deadLetters, waiting, calls, quota, elapsedMs } = progress;
  const total = (counts: Iterable<number>) => [...counts].reduce((sum, count) => sum + count, 0);
  const reasons = [...waiting].map(([reason, count]) => `${count} ${REASONS[reason] ?? reason}`);
  const kinds = Object.entries(calls).map(([kind, count]) => `${count} ${kind}`);
  const windows = quota?.windows.map(
    ({ limit, used }) => `${used} of ${limit.calls} in ${formatDuration(limit.windowMs)}`,
  );
  const row = (name: string, count: number, rest = '') =>
    `  ${name.padEnd(13)}${String(count).padStart(6)}  ${rest}`.trimEnd();
  return [
    row('submitted', submitted, `${bar(submitted - open, submitted)}  ${Math.round(elapsedMs / 1_000)} s`),
    row('enriched', enriched),
    row('not found', notFound),
    row('dead letters', deadLetters),
    row('deferred', total(waiting.values()), reasons.join(', ')),
    row('calls', total(Object.values(calls)), kinds.join(', ')),
    ...(windows === undefined ? [] : [`  ${'quota'.padEnd(13)}${windows.join(', ')}${doneBy(progress)}`]),
  ];
}

function doneBy({ open, quota }: Progress): string {
  const isLong = open > 0 && quota?.drainedBy != null;
  return isLong ? `; all done by ${new Date(quota.drainedBy ?? '').toLocaleTimeString('en-GB')}` : '';
}

const BAR_LENGTH = 24;
function bar(done: number, all: number): string {
  const length = all === 0 ? BAR_LENGTH : Math.floor((BAR_LENGTH * done) / all);
  return styleText('green', '█'.repeat(length)) + styleText('dim', '░'.repeat(BAR_LENGTH - length));
}

/** On a terminal a picture that moves, elsewhere a line whenever something has changed. */
export function createProgressView(output: NodeJS.WriteStream): ProgressView {
  let picture: string[] = [];
  let last = '';
  const erase = () => {
    if (picture.length > 0) {
      output.moveCursor(0, -picture.length);
      output.cursorTo(0);
      output.clearScreenDown();
    }
  };
  const draw = (lines: readonly string[]) => {
    erase();
    // A line that wraps would be two, and the picture would not be erased whole.
    picture = lines.map((line) => fitted(line, output.columns));
    output.write(picture.map((line) => `${line}\n`).join(''));
  };
  return {
    show(progress) {
      if (output.isTTY) {
        draw(progressLines(progress));
        return;
      }
      // Time and calls alone are no news.
      const counts = progressLines(progress).slice(1, 5);
      const line = counts.map((text) => text.trim().replaceAll(/ {2,}/g, ' ')).join(', ');
      if (line !== last) {
        output.write(`${String(Math.round(progress.elapsedMs / 1_000)).padStart(4)} s  ${line}\n`);
      }
      last = line;
    },
    note(line) {
      const lines = picture;
      erase();
      picture = [];
      output.write(`${describeHostLine(line, new Date())}\n`);
      draw(lines);
    },
    end() {
      picture = [];
    },
  };
}

function fitted(line: string, width: number): string {
  return stripVTControlCharacters(line).length < width
    ? line
    : stripVTControlCharacters(line).slice(0, width - 1);
}

/** What a line of the host tells a person. */
export function describeHostLine(line: HostLine, now: Date): string {
  if (line.kind === 'trouble') {
    return styleText('yellow', printable(line.text));
  }
  const { event } = line;
  const time = now.toLocaleTimeString('en-GB');
  if (event.event === 'rejected') {
    return `${time}  ${styleText('red', 'rejected')}   ${printable(event.detail)}`;
  }
  const why = event.reason === undefined ? '' : `  ${event.reason}: ${printable(event.detail ?? '')}`;
  const gap = ' '.repeat(Math.max(0, 9 - event.result.length));
  return `${time}  ${coloured(event.result)}${gap}  ${event.alertId}${why}`;
}

/** What became of the sample, in the order in which it was submitted. */
export function report(end: WatchEnd, samples: readonly Sample[]): string[] {
  const forms = samples.flatMap(({ form, alertIds }) => alertIds.map((id) => [id, form] as const));
  // The first sample with an alert counts.
  const formOf = new Map(forms.toReversed());
  const order = new Map(forms.map(([alertId], index) => [alertId, index]));
  const messages = [...end.results.enrichments.values()]
    .filter(({ alertId }) => formOf.get(alertId) !== BACKLOG_FORM)
    .sort(
      (left, right) => (order.get(left.alertId) ?? order.size) - (order.get(right.alertId) ?? order.size),
    );
  const backlog = end.results.enrichments.size - messages.length;
  return [
    styleText('bold', 'Outcomes'),
    '',
    ...columns([
      ['Alert', 'Outcome', 'Device', 'OS', 'Risk', 'Exposure', 'Seen', 'Came as', 'Look-ups'].map(heading),
      ...messages.map((message) => outcomeCells(message, formOf.get(message.alertId) ?? 'your own')),
    ]),
    ...(backlog > 0 ? [`and ${counted(backlog, 'alert')} of the backlog`] : []),
    '',
    styleText('bold', 'Dead letters'),
    '',
    ...end.results.deadLetters.flatMap(deadLetterLines),
    conclusion(end),
  ];
}

function outcomeCells(message: EnrichmentMessage, form: string): string[] {
  const device = 'device' in message ? message.device : undefined;
  return [
    shortened(message.alertId, 40),
    coloured(message.outcome),
    ...(device === undefined ? ['', '', '', '', ''] : deviceCells(device)),
    form,
    message.reused ? 'reused' : String(message.attempts),
  ];
}

const UNKNOWN = '-';
function deviceCells({ id, hostname, os, risk, exposure, lastSeenAge }: Device): string[] {
  const text = (value: string | null) => (value === null ? UNKNOWN : shortened(printable(value), 24));
  return [
    hostname === null ? shortened(id, 12) : text(hostname),
    text(os.osPlatform),
    ...[risk, exposure].map((level) => coloured(text(level.value ?? level.text))),
    lastSeenAge === null ? UNKNOWN : `${ageInWords(lastSeenAge)} ago`,
  ];
}

/** A dead letter with its reason. */
export function deadLetterLines({ reason, original, detail }: Results['deadLetters'][number]): string[] {
  return [`${styleText('red', reason)}  ${shortened(printable(original), 60)}`, `  ${printable(detail)}`, ''];
}

function heading(title: string): string {
  return styleText(['bold', 'underline'], title);
}

function conclusion({ reason, open }: WatchEnd): string {
  const left = `${counted(open, 'alert')} not final`;
  switch (reason) {
    case 'final':
      return styleText('green', 'Every alert is final.');
    case 'interrupted':
      return styleText('yellow', `Interrupted with ${left}.`);
    case 'too late':
      return styleText('red', `Given up with ${left}: that took far longer than it should.`);
    case 'host ended':
      return styleText('red', `The functions ended by themselves with ${left}.`);
  }
}

/** What a person can do with a demo that serves, and where things are. */
export function guide(
  stack: RunningStack,
  /** Where the HTTP API can be read and tried in a browser. */
  pageUrl: string,
  stackFile: string,
  { queues, tables }: Pick<Settings, 'queues' | 'tables'>,
  /** Alerts that Defender knows and nobody has asked for. */
  spareAlertIds: readonly string[],
): string[] {
  const [first = '', ...others] = spareAlertIds;
  const row = (name: string, text: string) => `  ${name.padEnd(11)}${text}`;
  return [
    styleText('bold', 'Try it, in another terminal'),
    `  npm run enrich -- ${first}`,
    '  Defender knows these too:',
    ...others.map((alertId) => `    ${alertId}`),
    '  Or by HTTP, with the summary for people as the answer:',
    `    curl -H 'Accept: text/markdown' -d ${first} -H 'Content-Type: text/plain' '${stack.hostUrl}/api/enrichments?wait=30'`,
    '',
    styleText('bold', 'Where things are, until Ctrl-C ends it all'),
    row('storage', `connection string: AlertsStorage in ${relative('.', stackFile)}`),
    row('queues', `${queues.alerts} (in), ${queues.enrichments} (out), ${queues.poison} (dead letters)`),
    row('tables', `${tables.enrichments}, ${tables.state}`),
    row('http', `${stack.hostUrl}/api: enrichments, enrichments/{alertId}, quota, health, live`),
    row('page', `${pageUrl}: the HTTP API in a browser, to read and to try`),
    row('simulator', `${stack.simulatorUrl}, and what it served: ${stack.simulatorUrl}/_control/report`),
  ];
}
