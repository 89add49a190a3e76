/** The longest text of a device in a summary, in characters. */
const LONGEST_TEXT = 200;
const HIDDEN = '\u{FFFD}';

/**
 * A text of unknown origin, made fit to stand in a line of other text: one line, without anything invisible, which could
 * turn the text around it (bidirectional control) or pass one name off as another, and no longer than `longest`.
 * What was invisible shows as U+FFFD.
 */
export function plainText(text: string, longest = LONGEST_TEXT): string {
  const line = text
    .slice(0, 20 * longest)
    .replaceAll(/[\s\p{Cc}\p{Z}]+/gu, ' ')
    .replaceAll(/[\p{Cf}\p{Cs}\p{Co}]+/gu, HIDDEN)
    // Marks piled upon a letter would cover the lines above and below.
    .replaceAll(/(\p{M}{2})\p{M}+/gu, '$1')
    .trim();
  const characters = [...line];
  return characters.length > longest ? `${characters.slice(0, longest).join('')}…` : line || HIDDEN;
}

/**
 * Spoils, visibly and in the way of incident reports, what many programs turn into a link or a mention although it is
 * escaped: `https://` becomes `https[://]`, `www.` `www[.]`, `user@host` `user[@]host`, and `#12` `[#]12`.
 */
export function defanged(text: string): string {
  return text
    .replaceAll('://', '[://]')
    .replaceAll(/(www)\./gi, '$1[.]')
    .replaceAll('@', '[@]')
    .replaceAll(/#(?=\d)/g, '[#]');
}
