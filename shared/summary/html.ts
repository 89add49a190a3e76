import type { Content } from './content.ts';
import { defanged, plainText } from './plainText.ts';

/**
 * Writes a summary as an HTML fragment of plain elements without style, script, image or attribute but `href`.
 * `bdi` keeps a name that is written from right to left from moving what stands beside it.
 */
export function htmlOf({ title, findings, facts, links }: Content): string {
  const items = [
    ...findings.map((finding) => `<strong>${isolated(finding)}</strong>`),
    ...facts.map(({ label, values }) => `${escaped(label)}: ${values.map(isolated).join(', ')}`),
  ];
  return [
    `<p><strong>${isolated(title)}</strong></p>`,
    `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`,
    ...links.map(({ label, url }) => `<p><a href="${url}">${escaped(label)}</a></p>`),
  ].join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function isolated(text: string): string {
  return `<bdi>${escaped(text)}</bdi>`;
}

function escaped(text: string): string {
  return defanged(plainText(text)).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
