/** What a summary says, before it is written as Markdown or HTML. All texts may come from a device or its users. */
export interface Content {
  title: string;
  /** The most important first. */
  lines: Line[];
  links: Link[];
}

/** One thing that a person wants to know, with a label from the Defender portal where that has one. */
export interface Line {
  label: string;
  /** Never empty. */
  values: string[];
  /** Whether it must be seen before anything else. */
  standsOut: boolean;
}

/** A link of our own making: no part of the address may come from a device, but for an ID that was checked. */
export interface Link {
  label: string;
  url: string;
}

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

/** Writes a summary as Markdown (CommonMark) in which no text of the device means anything but itself. */
export function markdownOf({ title, lines, links }: Content): string {
  const blocks = [
    [`**${escapedMarkdown(title)}**`],
    lines.map(({ label, values, standsOut }) => {
      const text = `${escapedMarkdown(label)}: ${values.map(escapedMarkdown).join(', ')}`;
      return standsOut ? `- **${text}**` : `- ${text}`;
    }),
    ...links.map(({ label, url }) => [`[${escapedMarkdown(label)}](${url})`]),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Characters that HTML reads become entities, which also serve where Markdown lets HTML through; a backslash stands
 * before the rest of ASCII punctuation that some Markdown reads (https://spec.commonmark.org/0.31.2/#backslash-escapes).
 */
function escapedMarkdown(text: string): string {
  return defanged(plainText(text))
    .replaceAll(/[\\`*_{}[\]()#+\-.!|~$^=:@]/g, '\\$&')
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}

/**
 * Writes a summary as an HTML fragment of plain elements without style, script, image or attribute but `href`.
 * `bdi` keeps a name that is written from right to left from moving what stands beside it.
 */
export function htmlOf({ title, lines, links }: Content): string {
  const items = lines.map(({ label, values, standsOut }) => {
    const text = `${escapedHtml(label)}: ${values.map(isolated).join(', ')}`;
    return standsOut ? `<strong>${text}</strong>` : text;
  });
  return [
    `<p><strong>${isolated(title)}</strong></p>`,
    `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`,
    ...links.map(({ label, url }) => `<p><a href="${url}">${escapedHtml(label)}</a></p>`),
  ].join('');
}

function isolated(text: string): string {
  return `<bdi>${escapedHtml(text)}</bdi>`;
}

function escapedHtml(text: string): string {
  return defanged(plainText(text)).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
