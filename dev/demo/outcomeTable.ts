import { stripVTControlCharacters, styleText } from 'node:util';
import Table from 'cli-table3';
import type { Device } from '#shared/device/device.ts';
import { ageInWords, coloured, printable, shortened } from '#shared/text.ts';
import type { Buried, EnrichmentMessage } from './watchSample.ts';

/** One line of the table: what the queue said, and the device as the table keeps it. */
export interface Outcome {
  message: EnrichmentMessage;
  device: Device | undefined;
  /** How the alert came in. */
  form: string;
}

interface Column {
  title: string;
  cell: (outcome: Outcome) => string;
  /** Columns with a higher number are left out first where the terminal is narrow. */
  rank: number;
}

const UNKNOWN = '-';
const GAP = 2;
const LONGEST_ALERT_ID = 128;
const SHORT_ALERT_ID = 20;

function columnsOf(alertIdLength: number): Column[] {
  return [
    { title: 'Alert', rank: 0, cell: ({ message }) => shortened(message.alertId, alertIdLength) },
    { title: 'Outcome', rank: 0, cell: ({ message }) => coloured(message.outcome) },
    { title: 'Device', rank: 0, cell: ({ device }) => (device ? nameOf(device) : '') },
    { title: 'OS', rank: 4, cell: ({ device }) => (device ? textOf(device.os.osPlatform) : '') },
    { title: 'Risk', rank: 1, cell: ({ device }) => levelOf(device?.risk) },
    { title: 'Exposure', rank: 6, cell: ({ device }) => levelOf(device?.exposure) },
    { title: 'Health', rank: 5, cell: ({ device }) => levelOf(device?.health) },
    { title: 'Seen', rank: 7, cell: ({ device }) => (device ? lastSeen(device) : '') },
    { title: 'Came as', rank: 3, cell: ({ form }) => form },
    {
      title: 'Look-ups',
      rank: 2,
      cell: ({ message }) => (message.reused ? 'reused' : String(message.attempts)),
    },
  ];
}

/** The outcomes as a table that fits into so many columns of a terminal, as far as that is possible. */
export function outcomeTable(outcomes: readonly Outcome[], width: number): string {
  const fits = (columns: readonly Column[]) => tableWidth(columns, outcomes) <= width;
  const wide = columnsOf(LONGEST_ALERT_ID);
  if (fits(wide)) {
    return render(wide, outcomes);
  }
  let columns = columnsOf(SHORT_ALERT_ID);
  while (!fits(columns) && columns.some(({ rank }) => rank > 0)) {
    const last = Math.max(...columns.map(({ rank }) => rank));
    columns = columns.filter(({ rank }) => rank !== last);
  }
  return render(columns, outcomes);
}

/** Dead letters with their reasons. */
export function deadLetterTable(letters: readonly Buried[], width: number): string {
  const reasons = Math.max(6, ...letters.map(({ reason }) => reason.length)) + GAP;
  const original = 30;
  const table = plainTable({
    head: ['Reason', 'Message', 'What was wrong'].map(heading),
    colWidths: [reasons, original + GAP, Math.max(30, width - reasons - original - GAP)],
    wordWrap: true,
  });
  for (const letter of letters) {
    const cells = [letter.reason, shortened(printable(letter.original), original), printable(letter.detail)];
    table.push(cells);
  }
  return withoutTrailingSpace(table.toString());
}

function render(columns: readonly Column[], outcomes: readonly Outcome[]): string {
  const table = plainTable({ head: columns.map(({ title }) => heading(title)) });
  for (const outcome of outcomes) {
    table.push(columns.map(({ cell }) => cell(outcome)));
  }
  return withoutTrailingSpace(table.toString());
}

function tableWidth(columns: readonly Column[], outcomes: readonly Outcome[]): number {
  const widths = columns.map(({ title, cell }) =>
    Math.max(title.length, ...outcomes.map((outcome) => stripVTControlCharacters(cell(outcome)).length)),
  );
  return widths.reduce((sum, width) => sum + width + GAP, 0);
}

/** Columns with space between them, and no lines. */
function plainTable(options: Table.TableConstructorOptions): Table.Table {
  const lines = ['top', 'bottom', 'left', 'mid', 'right'].flatMap((place) => [
    place,
    `${place}-mid`,
    `${place}-left`,
    `${place}-right`,
  ]);
  const chars = Object.fromEntries(
    [...lines, 'left-mid', 'mid-mid', 'right-mid', 'middle'].map((name) => [name, '']),
  );
  return new Table({
    ...options,
    chars,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP },
  });
}

function heading(title: string): string {
  return styleText(['bold', 'underline'], title);
}

function withoutTrailingSpace(text: string): string {
  return text.replaceAll(/ +$/gm, '');
}

function nameOf(device: Device): string {
  return device.hostname === null ? shortened(device.id, 12) : textOf(device.hostname);
}

function textOf(text: string | null): string {
  return text === null ? UNKNOWN : shortened(printable(text), 24);
}

function levelOf(level: { value: string | null; text: string | null } | undefined): string {
  if (level === undefined) {
    return '';
  }
  return level.value === null
    ? UNKNOWN
    : coloured(LEVEL_WORDS[level.value] ?? textOf(level.text ?? level.value));
}

/** MDE's long words, shortened for the table. */
const LEVEL_WORDS: Record<string, string> = {
  ImpairedCommunication: 'Impaired',
  NoSensorData: 'No data',
  NoSensorDataImpairedCommunication: 'No data, impaired',
  Informational: 'Info',
};

function lastSeen({ lastSeenAge }: Device): string {
  return lastSeenAge === null ? UNKNOWN : `${ageInWords(lastSeenAge)} ago`;
}
