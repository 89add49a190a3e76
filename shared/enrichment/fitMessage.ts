import type { Enrichment, EnrichmentPointer } from './enrichment.ts';

/** Where the whole enrichment can be read. */
export interface RowAddress {
  table: string;
  partitionKey: string;
  rowKey: string;
}

/** How a message is written: as it is, or in an envelope. */
export type MessageWriter = (message: Enrichment | EnrichmentPointer) => string;

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
 * @param write What makes the text of a message; what it puts around the message counts.
 */
export function fitMessage(
  enrichment: Enrichment,
  row: RowAddress,
  fits: (text: string) => boolean,
  write: MessageWriter = JSON.stringify,
): string {
  let form = enrichment;
  for (const lean of LEANER) {
    form = lean(form);
    const text = write(form);
    if (fits(text)) return text;
  }
  const { device: _, metadata: __, ...rest } = form;
  const pointer: EnrichmentPointer = { ...rest, ...row };
  return write(pointer);
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
