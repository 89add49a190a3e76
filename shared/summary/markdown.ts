import type { Content } from './content.ts';
import { defanged, plainText } from './plainText.ts';

/** Writes a summary as Markdown (CommonMark) in which no text of the device means anything but itself. */
export function markdownOf({ title, findings, facts, links }: Content): string {
  const blocks = [
    [`**${escaped(title)}**`],
    [
      ...findings.map((finding) => `- **${escaped(finding)}**`),
      ...facts.map(({ label, values }) => `- ${escaped(label)}: ${values.map(escaped).join(', ')}`),
    ],
    ...links.map(({ label, url }) => [`[${escaped(label)}](${url})`]),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Characters that HTML reads become entities, which also serve where Markdown lets HTML through; a backslash stands
 * before the rest of ASCII punctuation that some Markdown reads (https://spec.commonmark.org/0.31.2/#backslash-escapes).
 */
function escaped(text: string): string {
  return defanged(plainText(text))
    .replaceAll(/[\\`*_{}[\]()#+\-.!|~$^=:@]/g, '\\$&')
    .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}
