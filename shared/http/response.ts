import { createHash } from 'node:crypto';
import type { Summary } from '../summary/summary.ts';

/** What an HTTP function answers. Header names are in lower case. */
export interface TextResponse {
  status: number;
  headers: Record<string, string>;
  body?: string;
}

/** An answer with a JSON body. */
export function jsonResponse(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): TextResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(value),
  };
}

/** The media types in which people read an answer. */
export type CardType = 'text/markdown' | 'text/html';

/** All media types in which an answer about alerts can be had; the first is the default. */
export const RESPONSE_TYPES = ['application/json', 'text/markdown', 'text/html'] as const;
export type ResponseType = (typeof RESPONSE_TYPES)[number];

/** How a page of cards looks, on a phone as on a desktop, in the light or dark of the reader's system. */
const STYLE = [
  ':root{color-scheme:light dark}',
  'body{max-width:40rem;margin:1rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}',
  'article{overflow-wrap:anywhere}',
  'article+article{border-top:1px solid GrayText}',
  'ul{padding-left:1.2rem}',
].join('');

/** Apart from this style a page may load nothing, run nothing, and send nothing: it is text and links. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Cards one after the other: the Markdown as it would stand in a comment, the HTML as a page. */
export function cardsResponse(
  type: CardType,
  status: number,
  cards: readonly Summary[],
  headers: Record<string, string> = {},
): TextResponse {
  const isMarkdown = type === 'text/markdown';
  return {
    status,
    headers: {
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'no-store',
      ...(!isMarkdown && {
        'content-security-policy': CONTENT_SECURITY_POLICY,
        'referrer-policy': 'no-referrer',
      }),
      ...headers,
    },
    body: isMarkdown ? cards.map(({ markdown }) => markdown).join('\n\n---\n\n') : pageOf(cards),
  };
}

function pageOf(cards: readonly Summary[]): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>Alert enrichment</title><style>${STYLE}</style>`,
    '</head>',
    '<body>',
    ...cards.map(({ html }) => `<article>${html}</article>`),
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** Names a body, in one media type: the same body has the same tag, in every process. */
export function entityTagOf(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/**
 * Whether the caller has this body already (RFC 9110, section 13.1.2: weak comparison).
 * @param ifNoneMatch The header; null when there is none.
 */
export function isKnown(entityTag: string, ifNoneMatch: string | null): boolean {
  if (ifNoneMatch === null) {
    return false;
  }
  return ifNoneMatch
    .split(',')
    .map((part) => part.trim().replace(/^W\//, ''))
    .some((tag) => tag === '*' || tag === entityTag);
}
