/** The Distinguished Encoding Rules of ASN.1 (ITU-T X.690), as far as a certificate needs them. */

/** An element of this tag around its contents, which must be encoded already. */
function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content)]), content]);
}

/** Up to 127 in one byte; otherwise first how many bytes the length takes. */
function lengthOf(content: Buffer): number[] {
  if (content.length < 0x80) {
    return [content.length];
  }
  const bytes = bytesOf(content.length, 256);
  return [0x80 | bytes.length, ...bytes];
}

/** The digits of a number, the most significant first. */
function bytesOf(number: number, base: number): number[] {
  const rest = Math.floor(number / base);
  return [...(rest === 0 ? [] : bytesOf(rest, base)), number % base];
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => element(0x30, ...parts);

export const set = (...parts: readonly Uint8Array[]): Buffer => element(0x31, ...parts);

export const boolean = (value: boolean): Buffer => element(0x01, Buffer.from([value ? 0xff : 0]));

/** @param bytes The most significant one first; a first bit of 1 makes the number negative. */
export const integer = (...bytes: readonly number[]): Buffer => element(0x02, Buffer.from(bytes));

/** @param bytes All bits of all of them count. */
export const bitString = (bytes: Uint8Array): Buffer => element(0x03, Buffer.from([0]), bytes);

export const octetString = (bytes: Uint8Array): Buffer => element(0x04, bytes);

export const utf8String = (text: string): Buffer => element(0x0c, Buffer.from(text));

/** A time of the years 1950 to 2049, to the second. */
export const utcTime = (time: Date): Buffer =>
  element(0x17, Buffer.from(`${time.toISOString().slice(2, 19).replaceAll(/\D/g, '')}Z`));

/** @param dotted Such as `2.5.4.3`. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...others].flatMap((number) =>
    // Seven bits a byte; all but the last say that more follow.
    bytesOf(number, 128).map((digit, index, digits) => (index < digits.length - 1 ? 0x80 | digit : digit)),
  );
  return element(0x06, Buffer.from(bytes));
}

/** An element that the context tells apart by a number, around another one. */
export const explicit = (number: number, content: Uint8Array): Buffer => element(0xa0 | number, content);

/** Bytes that the context tells apart by a number instead of their type. */
export const implicit = (number: number, bytes: Uint8Array): Buffer => element(0x80 | number, bytes);
