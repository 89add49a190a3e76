import type { PlacedSpan } from './tree.ts';

const ROW = 22;
const TOP = 34;
const LABELS = 300;
const BARS = 620;
const GAP = 60;
/** Nothing happens for longer than that: such a wait is drawn as a gap of a fixed width. */
const LONGEST_PAUSE_MS = 100;
const COLOURS: Record<string, string> = {
  SERVER: '#0b6e4f',
  PRODUCER: '#b4540a',
  CONSUMER: '#1f4e9c',
  CLIENT: '#7a2e8e',
};
const COLOUR = '#5c6670';

/** A time in which at least one span is under way. */
interface Stretch {
  startMs: number;
  endMs: number;
}

/** The waterfall of a trace as an SVG image: a row a span, with its place in the tree and its time. */
export function waterfall(spans: readonly PlacedSpan[]): string {
  const stretches = stretchesOf(spans);
  const x = scaleOf(stretches);
  const height = TOP + spans.length * ROW + 12;
  const width = LABELS + BARS + 110;
  const gaps = stretches.slice(1).map(({ startMs }, index) => {
    const before = stretches[index]?.endMs ?? startMs;
    const from = x(before) + GAP / 5;
    const to = x(startMs) - GAP / 5;
    const wait = `${((startMs - before) / 1_000).toFixed(1)} s`;
    return (
      `<rect x="${pixels(from)}" y="${TOP - 8}" width="${pixels(to - from)}" height="${height - TOP}" fill="#eef1f4"/>` +
      `<text x="${pixels((from + to) / 2)}" y="${TOP - 14}" text-anchor="middle" class="quiet">${wait}</text>`
    );
  });
  const rows = spans.map(({ span, depth }, index) => {
    const y = TOP + index * ROW;
    const left = x(span.startMs);
    const wide = Math.max(2, x(span.endMs) - left);
    const isOfSdk = span.scope.startsWith('@azure');
    const fact = span.attributes['alert_enrichment.result'] ?? span.attributes['http.response.status_code'];
    const told = `${fact === undefined ? '' : `${fact}, `}${Math.round(span.endMs - span.startMs)} ms`;
    return (
      `<text x="${8 + depth * 14}" y="${y + 15}"${isOfSdk ? ' class="quiet"' : ''}>${escaped(span.name)}</text>` +
      `<rect x="${pixels(left)}" y="${y + 4}" width="${pixels(wide)}" height="${ROW - 8}" rx="2" fill="${COLOURS[span.kind] ?? COLOUR}"${isOfSdk ? ' opacity="0.45"' : ''}/>` +
      `<text x="${pixels(left + wide + 5)}" y="${y + 15}" class="quiet">${escaped(told)}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Trace of an alert that was put back twice">
<style>text{font:12px system-ui,sans-serif;fill:#1b2126}.quiet{fill:#5c6670;font-size:11px}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${gaps.join('\n')}
${rows.join('\n')}
</svg>
`;
}

function stretchesOf(spans: readonly PlacedSpan[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { span } of spans.toSorted((left, right) => left.span.startMs - right.span.startMs)) {
    const last = stretches.at(-1);
    if (last !== undefined && span.startMs - last.endMs < LONGEST_PAUSE_MS) {
      last.endMs = Math.max(last.endMs, span.endMs);
    } else {
      stretches.push({ startMs: span.startMs, endMs: span.endMs });
    }
  }
  return stretches;
}

/** Where a time is drawn: all stretches have one scale. */
function scaleOf(stretches: readonly Stretch[]): (ms: number) => number {
  const busyMs = stretches.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  const perMs = (BARS - GAP * (stretches.length - 1)) / busyMs;
  return (ms) => {
    let left = LABELS;
    for (const { startMs, endMs } of stretches) {
      if (ms <= endMs) {
        return left + (ms - startMs) * perMs;
      }
      left += (endMs - startMs) * perMs + GAP;
    }
    return left;
  };
}

function pixels(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
