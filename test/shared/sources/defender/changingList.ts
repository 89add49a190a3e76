import fc from 'fast-check';
import type { PageQuery } from '#shared/sources/pagedAlertFeed.ts';

/** An alert on the list; `lastUpdateTime` as the API writes it. */
export interface Entry {
  id: string;
  lastUpdateTime: string;
}

/** Something that happens to the list. Places are parts (0 to 1) of its length. */
export type Change =
  | { kind: 'added'; at: number }
  /** An alert is updated, and so may move to anywhere. */
  | { kind: 'updated'; from: number; to: number }
  | { kind: 'removed'; from: number };

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

export const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('added' as const), at: place }),
  fc.record({ kind: fc.constant('updated' as const), from: place, to: place }),
  fc.record({ kind: fc.constant('removed' as const), from: place }),
);

/** The list of a tenant: in an order of its own, which holds for alerts that do not change. */
export function createChangingList(length: number, now: () => number) {
  let added = 0;
  const create = (): Entry => {
    added += 1;
    return { id: `alert-${added}`, lastUpdateTime: timeText() };
  };
  const timeText = () => new Date(now()).toISOString();
  const entries: Entry[] = Array.from({ length }, create);
  const indexOf = (part: number) => Math.floor(part * entries.length);

  return {
    entries: entries as readonly Entry[],
    change(change: Change): void {
      if (change.kind === 'added') {
        entries.splice(indexOf(change.at), 0, create());
        return;
      }
      const [taken] = entries.splice(indexOf(change.from), 1);
      if (change.kind === 'removed' || taken === undefined) {
        return;
      }
      entries.splice(indexOf(change.to), 0, { ...taken, lastUpdateTime: timeText() });
    },
    page({ since, until, top, skip }: PageQuery, isVisible = (_entry: Entry) => true): Entry[] {
      return entries
        .filter(({ lastUpdateTime }) => Date.parse(lastUpdateTime) >= since.getTime())
        .filter(({ lastUpdateTime }) => until === undefined || Date.parse(lastUpdateTime) < until.getTime())
        .filter((entry) => isVisible(entry))
        .slice(skip, skip + top);
    },
  };
}
