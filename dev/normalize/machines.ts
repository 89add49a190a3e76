import { type MachineReading, parseMachine } from '#shared/device/machine.ts';

/** One item of the input: its place, to a person, and what it was read as. */
export type Item = { place: string } & MachineReading;

/**
 * Finds the machines in a text: one as JSON, a JSON array of them, the answer to a list query (`{"value": [...]}`), or
 * NDJSON (any of these on each line). Never throws.
 */
export function readMachines(text: string): Item[] {
  const content = text.replace(/^\uFEFF/, '').trim();
  if (content === '') {
    return [broken('The input', 'is empty; expected a machine as JSON')];
  }
  const whole = parseJson(content);
  if (whole.ok) {
    return itemsIn(whole.value, 'The input');
  }
  const lines = content.split('\n').map((line) => ({ line, json: parseJson(line) }));
  // Where the first line is no JSON by itself, one value goes over several lines, and it is the whole that is broken.
  if (!lines[0]?.json.ok) {
    return [broken('The input', whole.detail)];
  }
  return lines.flatMap(({ line, json }, index) => {
    if (line.trim() === '') {
      return [];
    }
    const place = `Line ${index + 1}`;
    return json.ok ? itemsIn(json.value, place) : [broken(place, json.detail)];
  });
}

/** An array, the list in an answer, or one machine. */
function itemsIn(value: unknown, place: string): Item[] {
  const isAnswer = typeof value === 'object' && value !== null && 'value' in value && !('id' in value);
  const list = isAnswer ? value.value : value;
  if (!Array.isArray(list)) {
    return [item(place, value)];
  }
  const where = place === 'The input' ? 'of the array' : `of the array in ${place.toLowerCase()}`;
  return list.map((entry, index) => item(`Item ${index} ${where}`, entry));
}

function item(place: string, value: unknown): Item {
  return { place, ...parseMachine(value) };
}

function broken(place: string, detail: string): Item {
  return { place, kind: 'invalid', detail };
}

function parseJson(text: string): { ok: true; value: unknown } | { ok: false; detail: string } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, detail: `is not JSON: ${(error as SyntaxError).message}` };
  }
}
