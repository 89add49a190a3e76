import { isKnownAlertId } from './forms.ts';
import { type Faulty, faulty } from './rejection.ts';
import { isAlertId } from './submission.ts';

/** The content of a message: a JSON value, where plain text counts as a string. */
export type Decoded = { ok: true; value: unknown; base64: boolean } | Faulty;

const NOTHING = 'there is nothing to read; expected an alert ID or an alert as JSON';
/** Encoding twice is the commonest mistake with queues; nobody does it four times. */
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
  let decoded: Decoded = { ok: true, value: body, base64: false };
  for (let layer = 0; decoded.ok && typeof decoded.value === 'string'; layer += 1) {
    if (layer > MOST_LAYERS) {
      return faulty('bad-encoding', `the text is encoded more than ${MOST_LAYERS} times; encode it once`);
    }
    const text: string = decoded.value.trim();
    const inner = decodeText(text);
    const base64: boolean = decoded.base64 || (inner.ok && inner.base64);
    if (inner.ok && inner.value === text) {
      return { ok: true, value: text, base64 };
    }
    decoded = inner.ok ? { ...inner, base64 } : inner;
  }
  return decoded;
}

/** One layer of a text; the text itself when it is plain. */
function decodeText(text: string): Decoded {
  const plain = decodePlain(text);
  if (plain.ok && plain.value !== text) {
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
  const decoded = decodeBytes(Buffer.from(canonical, 'base64'));
  return decoded.ok
    ? { ...decoded, base64: true }
    : faulty(decoded.fault.reason, `decoded from base64: ${decoded.fault.detail}`);
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
    return { ok: true, value: JSON.parse(text), base64: false };
  } catch (error) {
    return /^[[{]/.test(text)
      ? faulty('bad-json', `the text starts like JSON but does not parse: ${(error as SyntaxError).message}`)
      : { ok: true, value: text, base64: false };
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

/** Whether somebody meant what the base64 holds: JSON, even damaged, or an alert ID. Rubbish is neither. */
function isMeant(inner: Decoded): boolean {
  if (!inner.ok) {
    return inner.fault.reason === 'bad-json';
  }
  return typeof inner.value === 'string'
    ? isAlertId(inner.value) || isJson(inner.value) || isMeantTwice(inner.value)
    : typeof inner.value === 'object' && inner.value !== null;
}

/** JSON inside a JSON string. */
function isJson(text: string): boolean {
  const plain = /^[[{"]/.test(text) ? decodePlain(text) : undefined;
  return plain?.ok === true && plain.value !== text;
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
  return typeof inner.value === 'string'
    ? isKnownAlertId(inner.value)
    : typeof inner.value === 'object' && inner.value !== null;
}

/** Alert IDs one a line, or one in single quotes; undefined for any other text. */
function linesOf(text: string): Decoded | undefined {
  const unquoted = text.split(/\r?\n/).map((line) => line.trim().replace(/^'(.*)'$/, '$1'));
  const ids = unquoted.filter((line) => line !== '');
  if (ids.length === 0 || !ids.every(isAlertId)) {
    return undefined;
  }
  const [first] = ids;
  return { ok: true, value: ids.length === 1 ? first : ids, base64: false };
}
