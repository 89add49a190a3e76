import type { Enrichment, EnrichmentPointer } from './enrichment.ts';

/** Where the whole enrichment can be read. */
export interface RowAddress {
  table: string;
  partitionKey: string;
  rowKey: string;
}

/**
 * The fullest form of the enrichment that fits: whole, else without the raw record, else as a pointer to its row.
 * @param fits Whether a text is short enough for the queue.
 */
export function fitMessage(enrichment: Enrichment, row: RowAddress, fits: (text: string) => boolean): string {
  const whole = JSON.stringify(enrichment);
  if (fits(whole)) return whole;
  const { device, metadata, ...rest } = enrichment;
  if (device !== undefined) {
    const { raw, ...lean } = device;
    const withoutRaw = JSON.stringify({ ...enrichment, device: lean });
    if (fits(withoutRaw)) return withoutRaw;
  }
  const pointer: EnrichmentPointer = { ...rest, ...row };
  return JSON.stringify(pointer);
}
