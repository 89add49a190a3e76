import { type Result, success } from '../result.ts';
import { isKnownAlertId } from './forms.ts';
import { type Fault, faulty } from './rejection.ts';
import { isAlertId } from './submission.ts';

/** The content of a message: a JSON value, where plain text counts as a string. */
export type Decoded = Result<{ content: unknown; isBase64: boolean }, Fault>;

const NOTHING = 'there is nothing to read; expected an alert ID or an alert as JSON';
/** Encoding twice is the commonest mistake with queues; four times has not been seen. */
const MOST_LAYERS = 4;

/**
 * Undoes the encoding of a message body. The Functions library has already parsed what is JSON as it stands; what
 * is still a string is text: plain, JSON, base64, or several of these inside each other, as when a client encodes what
 * another one has encoded before.
 *
 * Text counts as base64 when it is canonical base64 and either holds JSON or an alert ID, or is no alert ID as it
 * stands: some alert IDs of products not known yet could be base64 of rubbish. Without its padding, in the alphabet of
 * URLs or with line breaks it counts when it holds JSON or an alert ID of a known shape.
 */
export function decodeBody(body: unknown): Decoded {
  if (body === undefined || body === null) {
    return faulty('empty', NOTHING);
  }
  let content: unknown = body;
  let wasBase64 = false;
  for (let layer = 0; typeof content === 'string'; layer += 1) {
    if (layer > MOST_LAYERS) {
      return faulty('bad-encoding', `the text is encoded more than ${MOST_LAYERS} times; encode it once`);
    }
    const text = content.trim();
    const inner = decodeText(text);
    if (!inner.ok) {
      return inner;
    }
    wasBase64 ||= inner.value.isBase64;
    content = inner.value.content;
    if (content === text) {
      break;
    }
  }
  return decoded(content, wasBase64);
}

function decoded(content: unknown, isBase64 = false): Decoded {
  return success({ content, isBase64 });
}

/** One layer of a text; the text itself when it is plain. */
function decodeText(text: string): Decoded {
  const plain = decodePlain(text);
  if (plain.ok && plain.value.content !== text) {
    return plain;
  }
  if (isBase64(text)) {
    const inner = decodeBase64(text);
    return isMeant(inner) || !isAlertId(text) ? inner : plain;
  }
  if (!plain.ok) {
    return plain;
  }
  const sloppy = canonicalBase64(text);
  const inner = sloppy === undefined ? plain : decodeBase64(sloppy);
  if (inner !== plain && isCertain(inner)) {
    return inner;
  }
  return linesOf(text) ?? plain;
}

/** The content of a text that is known to be base64. */
export function decodeBase64(text: string): Decoded {
  const canonical = isBase64(text) ? text : canonicalBase64(text);
  if (canonical === undefined) {
    return faulty('bad-encoding', 'the text is no base64 (A-Z, a-z, 0-9, "+", "/", padded with "=")');
  }
  const inner = decodeBytes(Buffer.from(canonical, 'base64'));
  return inner.ok
    ? decoded(inner.value.content, true)
    : faulty(inner.error.reason, `decoded from base64: ${inner.error.detail}`);
}

function decodeBytes(bytes: Uint8Array): Decoded {
  try {
    return decodePlain(new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim());
  } catch {
    return faulty(
      'bad-encoding',
      'the bytes are not UTF-8 text; send an alert ID or JSON, plain or as base64',
    );
  }
}

function decodePlain(text: string): Decoded {
  if (text === '') {
    return faulty('empty', NOTHING);
  }
  try {
    return decoded(JSON.parse(text));
  } catch (error) {
    return /^[[{]/.test(text)
      ? faulty('bad-json', `the text starts like JSON but does not parse: ${(error as SyntaxError).message}`)
      : decoded(text);
  }
}

/** Decoding skips what is not base64, so only canonical base64 comes back the same. */
function isBase64(text: string): boolean {
  return text !== '' && Buffer.from(text, 'base64').toString('base64') === text;
}

/** Base64 without padding, in the alphabet of URLs, or with white space in it; undefined for what is none of these. */
function canonicalBase64(text: string): string | undefined {
  const bare = text.replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  const padded = bare.padEnd(Math.ceil(bare.length / 4) * 4, '=');
  return isBase64(padded) ? padded : undefined;
}

/** Whether the base64 holds something that a sender meant: JSON, even damaged, or an alert ID. */
function isMeant(inner: Decoded): boolean {
  if (!inner.ok) {
    return inner.error.reason === 'bad-json';
  }
  const { content } = inner.value;
  return typeof content === 'string'
    ? isAlertId(content) || isJson(content) || isMeantTwice(content)
    : typeof content === 'object' && content !== null;
}

/** JSON inside a JSON string. */
function isJson(text: string): boolean {
  const plain = /^[[{"]/.test(text) ? decodePlain(text) : undefined;
  return plain?.ok === true && plain.value.content !== text;
}

/** Base64 of base64. */
function isMeantTwice(text: string): boolean {
  return isBase64(text) && isMeant(decodeBase64(text));
}

/** Whether no rubbish could decode to this: JSON with a structure, or an alert ID as Defender gives them. */
function isCertain(inner: Decoded): boolean {
  if (!inner.ok) {
    return false;
  }
  const { content } = inner.value;
  return typeof content === 'string'
    ? isKnownAlertId(content)
    : typeof content === 'object' && content !== null;
}

/** Alert IDs one a line, or one in single quotes; undefined for any other text. */
function linesOf(text: string): Decoded | undefined {
  const unquoted = text.split(/\r?\n/).map((line) => line.trim().replace(/^'(.*)'$/, '$1'));
  const ids = unquoted.filter((line) => line !== '');
  if (ids.length === 0 || !ids.every(isAlertId)) {
    return undefined;
  }
  const [first] = ids;
  return decoded(ids.length === 1 ? first : ids);
}
