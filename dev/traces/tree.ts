import type { CollectedSpan } from './otlpCollector.ts';

/** A span in its place among the spans of its trace. */
export interface PlacedSpan {
  span: CollectedSpan;
  /** 0 for one whose parent is not among the spans. */
  depth: number;
}

/** The spans of a trace as a tree, written down from top to bottom: parents before their children, earlier ones first. */
export function placeSpans(spans: readonly CollectedSpan[]): PlacedSpan[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const byStart = spans.toSorted((left, right) => left.startMs - right.startMs);
  const childrenOf = (parentId: string, depth: number): PlacedSpan[] =>
    byStart
      .filter(({ parentSpanId }) => parentSpanId === parentId)
      .flatMap((span) => [{ span, depth }, ...childrenOf(span.spanId, depth + 1)]);
  return byStart
    .filter(({ parentSpanId }) => !ids.has(parentSpanId))
    .flatMap((span) => [{ span, depth: 0 }, ...childrenOf(span.spanId, 1)]);
}
