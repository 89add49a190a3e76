import type { PlacedSpan } from './tree.ts';

const ROW = 22;
const TOP = 30;
const LABELS = 330;
const BARS = 560;
const COLOURS: Record<string, string> = {
  SERVER: '#0b6e4f',
  PRODUCER: '#b4540a',
  CONSUMER: '#1f4e9c',
  CLIENT: '#7a2e8e',
  INTERNAL: '#5c6670',
};

/** The waterfall of a trace as an SVG image: a row a span, with its place in the tree and its time. */
export function waterfall(spans: readonly PlacedSpan[]): string {
  const start = Math.min(...spans.map(({ span }) => span.startMs));
  const end = Math.max(...spans.map(({ span }) => span.endMs));
  const x = (ms: number) => LABELS + ((ms - start) / (end - start)) * BARS;
  const height = TOP + spans.length * ROW + 12;
  const width = LABELS + BARS + 90;
  const seconds = Array.from({ length: Math.floor((end - start) / 1_000) + 1 }, (_, second) => second);
  const lines = seconds.map((second) => {
    const at = x(start + second * 1_000).toFixed(1);
    return `<path d="M${at} ${TOP - 6}V${height - 8}" stroke="#d7dce1"/><text x="${at}" y="${TOP - 12}" text-anchor="middle" class="quiet">${second} s</text>`;
  });
  const rows = spans.map(({ span, depth }, index) => {
    const y = TOP + index * ROW;
    const left = x(span.startMs);
    const wide = Math.max(2, x(span.endMs) - left);
    const isSdk = span.scope.startsWith('@azure');
    const label = `<text x="${8 + depth * 14}" y="${y + 15}"${isSdk ? ' class="quiet"' : ''}>${escaped(span.name)}</text>`;
    const bar = `<rect x="${left.toFixed(1)}" y="${y + 4}" width="${wide.toFixed(1)}" height="${ROW - 8}" rx="2" fill="${COLOURS[span.kind] ?? '#5c6670'}"${isSdk ? ' opacity="0.45"' : ''}/>`;
    const time = `${Math.round(span.endMs - span.startMs)} ms`;
    const told = [factOf(span.attributes), time].filter(Boolean).join(', ');
    // Beside the bar where there is room, else before it.
    const isRight = left + wide < LABELS + BARS - 40;
    const text = isRight
      ? `<text x="${(left + wide + 5).toFixed(1)}" y="${y + 15}" class="quiet">${escaped(told)}</text>`
      : `<text x="${(left - 5).toFixed(1)}" y="${y + 15}" text-anchor="end" class="quiet">${escaped(told)}</text>`;
    return `${label}${bar}${text}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Trace of an alert that was put back twice">
<style>text{font:12px system-ui,sans-serif;fill:#1b2126}.quiet{fill:#69737d;font-size:11px}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${lines.join('\n')}
${rows.join('\n')}
</svg>
`;
}

function factOf(attributes: Record<string, unknown>): string {
  const fact = attributes['alert_enrichment.result'] ?? attributes['http.response.status_code'] ?? '';
  return String(fact);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
