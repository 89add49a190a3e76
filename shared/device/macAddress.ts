const SIX_BYTES = /^[0-9A-F]{12}$/;

/** What MDE writes for adapters that have no MAC address, such as the loopback of a Linux device. */
export const ZERO_MAC = '00-00-00-00-00-00';

/** A MAC address as RFC 7042 writes it (`00-0C-29-92-A6-43`), from any usual notation; null when it is none. */
export function parseMac(text: string): string | null {
  const digits = text.replaceAll(/[-:.]/g, '').toUpperCase();
  return SIX_BYTES.test(digits) ? digits.replaceAll(/(..)(?!$)/g, '$1-') : null;
}
