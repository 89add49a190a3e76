/** The colors and weights that `npm start` uses, by their ANSI number. */
const STYLES: Record<string, string> = {
  '1': 'font-weight:bold',
  '4': 'text-decoration:underline',
  '31': 'color:#ff7b72',
  '32': 'color:#7ee787',
  '33': 'color:#e3b341',
};

/** The outcomes in what `npm start -- --once` printed, as a terminal shows them; the dead letters are too wide. */
export function terminalPage(output: string): string {
  const lines = output.trimEnd().split('\n');
  const outcomes = lines.findIndex((line) => line.includes('Outcomes'));
  const deadLetters = lines.findIndex((line) => line.includes('Dead letters'));
  if (outcomes < 0 || deadLetters < outcomes) {
    throw new Error(`The demo printed no outcomes:\n${output}`);
  }
  const shown = ['$ npm start', '', ...lines.slice(outcomes + 2, deadLetters), ...lines.slice(-2)];
  return `<!doctype html><meta charset="utf-8">
<style>
  body { margin: 0; padding: 18px 20px; background: #0d1117; color: #d0d7de; }
  pre { margin: 0; font: 12px/1.5 'DejaVu Sans Mono', 'Liberation Mono', monospace; }
</style>
<pre>${shown.map(htmlOf).join('\n')}</pre>`;
}

function htmlOf(line: string): string {
  const text = line.trimEnd().replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins each change of style.
  return text.replaceAll(/\u001b\[(\d+)m/g, (_, code: string) =>
    code in STYLES ? `<span style="${STYLES[code]}">` : '</span>',
  );
}
