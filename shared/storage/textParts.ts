/**
 * A table property holds at most 32,768 characters
 * (https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#property-types).
 */
const LONGEST_PART = 32_000;

/** Columns that hold a text of any length: `name`, and `name2`, `name3`, ... where one is not enough. */
export function toParts(name: string, text: string): Record<string, string> {
  const parts: Record<string, string> = {};
  let start = 0;
  let number = 1;
  do {
    const end = endOfPart(text, start);
    parts[partName(name, number)] = text.slice(start, end);
    start = end;
    number += 1;
  } while (start < text.length);
  return parts;
}

/**
 * `toParts` for a write that merges. Such a write cannot remove the columns of a longer text from before, so an empty column
 * ends this one.
 */
export function toEndedParts(name: string, text: string): Record<string, string> {
  const parts = toParts(name, text);
  return { ...parts, [partName(name, Object.keys(parts).length + 1)]: '' };
}

/** The text that `toParts` put into the columns of a row, or undefined when there is none. */
export function fromParts(name: string, row: Readonly<Record<string, unknown>>): string | undefined {
  const parts: string[] = [];
  for (let number = 1; ; number += 1) {
    const part = row[partName(name, number)];
    if (typeof part !== 'string' || (part === '' && number > 1)) {
      break;
    }
    parts.push(part);
  }
  return parts.length === 0 ? undefined : parts.join('');
}

function partName(name: string, number: number): string {
  return number === 1 ? name : `${name}${number}`;
}

/** Never between the two halves of a surrogate pair: half a character is no valid text. */
function endOfPart(text: string, start: number): number {
  const end = Math.min(text.length, start + LONGEST_PART);
  const last = text.charCodeAt(end - 1);
  const splitsPair = end < text.length && last >= 0xd800 && last <= 0xdbff;
  return splitsPair ? end - 1 : end;
}
