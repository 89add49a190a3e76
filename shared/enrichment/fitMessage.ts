import type { Enrichment, EnrichmentPointer } from './enrichment.ts';

/** Where the whole enrichment can be read. */
export interface RowAddress {
  table: string;
  partitionKey: string;
  rowKey: string;
}

/** What a message that is too long goes without, one after the other. */
const LEANER: readonly ((enrichment: Enrichment) => Enrichment)[] = [
  (enrichment) => enrichment,
  withoutRaw,
  withoutFormats,
  withoutSummary,
];

/**
 * The fullest form of the enrichment that fits: whole, else without the raw record, else without the formats
 * too, else without the summary too, else as a pointer to its row.
 * @param fits Whether a text is short enough for the queue.
 */
export function fitMessage(enrichment: Enrichment, row: RowAddress, fits: (text: string) => boolean): string {
  let form = enrichment;
  for (const lean of LEANER) {
    form = lean(form);
    const text = JSON.stringify(form);
    if (fits(text)) return text;
  }
  const { device: _, metadata: __, ...rest } = form;
  const pointer: EnrichmentPointer = { ...rest, ...row };
  return JSON.stringify(pointer);
}

function withoutRaw(enrichment: Enrichment): Enrichment {
  if (enrichment.device === undefined) return enrichment;
  const { raw: _, ...device } = enrichment.device;
  return { ...enrichment, device };
}

function withoutFormats({ formats: _, ...rest }: Enrichment): Enrichment {
  return rest;
}

function withoutSummary({ summary: _, ...rest }: Enrichment): Enrichment {
  return rest;
}
