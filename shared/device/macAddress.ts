const SIX_BYTES = /^[0-9A-F]{12}$/;

/**
 * What stands for no MAC address: zeros for adapters that have none, such as the loopback of a Linux device; a constant
 * that Android and iOS give every app; the broadcast address.
 */
export const NO_MACS: ReadonlySet<string> = new Set([
  '00-00-00-00-00-00',
  '02-00-00-00-00-00',
  'FF-FF-FF-FF-FF-FF',
]);

/** A MAC address as RFC 7042 writes it (`00-0C-29-92-A6-43`), from any usual notation; null when it is none. */
export function parseMac(text: string): string | null {
  const digits = text.replaceAll(/[-:.]/g, '').toUpperCase();
  return SIX_BYTES.test(digits) ? digits.replaceAll(/(..)(?!$)/g, '$1-') : null;
}
