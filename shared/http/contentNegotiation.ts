/** One media range of an `Accept` header. */
interface MediaRange {
  /** In lower case, `*` for any. */
  type: string;
  subtype: string;
  /** 0 to 1; 0 refuses. */
  quality: number;
}

const RANGE = /^([!#$%&'*+.^_`|~\w-]+)\/([!#$%&'*+.^_`|~\w-]+)$/;
const QUALITY = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;

/**
 * The offered media type that the caller likes best, the first of equals (RFC 9110, section 12.5.1). Parts of the header
 * that are no media range are passed over.
 * @param accept The header; null or empty takes the first.
 * @returns Undefined when none is accepted.
 * @example negotiate('text/html, application/json;q=0.5', ['application/json', 'text/html']) // 'text/html'
 */
export function negotiate<Offer extends string>(
  accept: string | null,
  offered: readonly Offer[],
): Offer | undefined {
  if (accept === null || accept.trim() === '') {
    return offered[0];
  }
  const ranges = accept.split(',').flatMap((part) => rangeOf(part) ?? []);
  let best: { offer: Offer; quality: number } | undefined;
  for (const offer of offered) {
    const quality = qualityOf(offer, ranges);
    if (quality > (best?.quality ?? 0)) {
      best = { offer, quality };
    }
  }
  return best?.offer;
}

function rangeOf(part: string): MediaRange | undefined {
  const [range = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
  const [, type, subtype] = RANGE.exec(range) ?? [];
  if (type === undefined || subtype === undefined) {
    return undefined;
  }
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  if (weight === undefined) {
    return { type, subtype, quality: 1 };
  }
  return QUALITY.test(weight) ? { type, subtype, quality: Number(weight) } : undefined;
}

/** The most specific range that fits decides. */
function qualityOf(offer: string, ranges: readonly MediaRange[]): number {
  const [offeredType, offeredSubtype] = offer.split('/');
  const quality = (type: string | undefined, subtype: string | undefined) =>
    ranges.find((range) => range.type === type && range.subtype === subtype)?.quality;
  return quality(offeredType, offeredSubtype) ?? quality(offeredType, '*') ?? quality('*', '*') ?? 0;
}
