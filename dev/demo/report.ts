import { styleText } from 'node:util';
import type { Device } from '#shared/device/device.ts';
import type { Enrichment } from '#shared/enrichment/enrichment.ts';
import { ageInWords, coloured, columns, counted, printable, shortened } from '#shared/text.ts';
import type { Results } from './results.ts';
import { BACKLOG_FORM, type Sample } from './samples.ts';

const HEADINGS = ['Alert', 'Outcome', 'Device', 'OS', 'Risk', 'Exposure', 'Seen', 'Came as', 'Look-ups'];

/** What became of the samples, in the order in which they were submitted. */
export function report({ enrichments, deadLetters }: Results, samples: readonly Sample[]): string[] {
  const byAlert = Map.groupBy(enrichments.values(), ({ alertId }) => alertId);
  const outcomes = samples
    .filter(({ form }) => form !== BACKLOG_FORM)
    .flatMap(({ form, alertIds }) =>
      alertIds.map((alertId) => ({ form, enrichment: byAlert.get(alertId)?.shift() })),
    )
    .flatMap(({ form, enrichment }) => (enrichment === undefined ? [] : [outcomeCells(enrichment, form)]));
  const others = enrichments.size - outcomes.length;
  return [
    styleText('bold', 'Outcomes'),
    '',
    ...columns([HEADINGS.map((heading) => styleText(['bold', 'underline'], heading)), ...outcomes]),
    ...(others > 0 ? [`and ${counted(others, 'more alert')}`] : []),
    '',
    styleText('bold', 'Dead letters'),
    '',
    ...deadLetters.flatMap(deadLetterLines),
  ];
}

function outcomeCells({ alertId, outcome, device, reused, attempts }: Enrichment, form: string): string[] {
  const cells = device === undefined ? ['', '', '', '', ''] : deviceCells(device);
  return [shortened(alertId, 40), coloured(outcome), ...cells, form, reused ? 'reused' : String(attempts)];
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

function deadLetterLines({ reason, original, detail }: Results['deadLetters'][number]): string[] {
  return [`${styleText('red', reason)}  ${shortened(printable(original), 60)}`, `  ${printable(detail)}`, ''];
}
