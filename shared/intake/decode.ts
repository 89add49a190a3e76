import { isAlertId } from './alertId.ts';
import { type Faulty, faulty } from './rejection.ts';

/** The content of a message: a JSON value, where plain text counts as a string. */
export type Decoded = { ok: true; value: unknown; base64: boolean } | Faulty;

const NOTHING = 'there is nothing to read; expected an alert ID or an alert as JSON';

/**
 * Undoes the encoding of a message body. The Functions library has already parsed what is JSON as it stands; what
 * is still a string is text, plain or base64, and is undone once: base64 first, then JSON. No part of the result
 * is decoded again.
 *
 * Text counts as base64 when it is canonical base64 and either holds JSON or an alert ID, or is no alert ID as it
 * stands: some alert IDs of products not known yet could be base64 of rubbish.
 */
export function decodeBody(body: unknown): Decoded {
  if (body === undefined || body === null) {
    return faulty('empty', NOTHING);
  }
  if (typeof body !== 'string') {
    return { ok: true, value: body, base64: false };
  }
  const text = body.trim();
  const plain = decodePlain(text);
  if (!isBase64(text) || (plain.ok && plain.value !== text)) {
    return plain;
  }
  const inner = decodeBase64(text);
  return isMeant(inner) || !isAlertId(text) ? inner : plain;
}

/** The content of a text that is known to be base64. */
export function decodeBase64(text: string): Decoded {
  if (!isBase64(text)) {
    return faulty(
      'bad-encoding',
      'the text is not canonical base64 (A-Z, a-z, 0-9, "+", "/", padded with "=")',
    );
  }
  const decoded = decodeBytes(Buffer.from(text, 'base64'));
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

/** Whether somebody meant what the base64 holds: JSON, even damaged, or an alert ID. Rubbish is neither. */
function isMeant(inner: Decoded): boolean {
  if (!inner.ok) {
    return inner.fault.reason === 'bad-json';
  }
  return typeof inner.value === 'string'
    ? isAlertId(inner.value)
    : typeof inner.value === 'object' && inner.value !== null;
}
