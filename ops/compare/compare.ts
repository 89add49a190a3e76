import { readProperties } from '#shared/device/properties.ts';
import type { Source, SourceAnswer, SourceName } from '#shared/sources/source.ts';

/** What becomes of a property when Graph takes over. */
export type Change = 'same' | 'differs' | 'becomes null' | 'new';

/** One property of a device in both sources. */
export interface ComparedProperty {
  property: string;
  change: Change;
  /** True for a property that Graph cannot know of any device. */
  unavailable: boolean;
  defender: unknown;
  graph: unknown;
}

/** One alert in both sources. */
export interface Comparison {
  alertId: string;
  /** What each said: `found`, or why not. */
  answers: Record<SourceName, { kind: SourceAnswer['kind']; detail?: string }>;
  /** Undefined where either has no device. */
  properties?: ComparedProperty[];
}

/** Asks both sources about an alert, with the calls that each look-up takes, counted like any other. */
export async function compareSources(
  alertId: string,
  sources: Record<SourceName, Source>,
  signal: AbortSignal,
): Promise<Comparison> {
  const reference = { alertId, inLine: false, isReturning: false, refresh: true, firstSeen: new Date() };
  const [defender, graph] = await Promise.all([
    sources.defender.find(reference, signal),
    sources.graph.find(reference, signal),
  ]);
  return {
    alertId,
    answers: { defender: summaryOf(defender), graph: summaryOf(graph) },
    ...(defender.kind === 'found' && graph.kind === 'found' && { properties: compared(defender, graph) }),
  };
}

function summaryOf(answer: SourceAnswer): Comparison['answers'][SourceName] {
  switch (answer.kind) {
    case 'found':
      return { kind: 'found' };
    case 'rejected':
      return { kind: 'rejected', detail: `${answer.code}: ${answer.message}` };
    default:
      return { kind: answer.kind, detail: answer.detail };
  }
}

type Found = Extract<SourceAnswer, { kind: 'found' }>;

function compared(defender: Found, graph: Found): ComparedProperty[] {
  const before = { id: defender.machine.id, ...readProperties(defender.machine).properties };
  const after = { id: graph.machine.id, ...readProperties(graph.machine).properties };
  return Object.keys(before).flatMap((property): ComparedProperty[] => {
    const [one, other] = [before, after].map((machine) => plain(machine[property as keyof typeof machine]));
    if (one === null && other === null) {
      return [];
    }
    return [
      {
        property,
        change: changeOf(one, other),
        unavailable: graph.unavailable.includes(property),
        defender: one,
        graph: other,
      },
    ];
  });
}

function changeOf(before: unknown, after: unknown): Change {
  if (after === null) {
    return 'becomes null';
  }
  if (before === null) {
    return 'new';
  }
  return JSON.stringify(before) === JSON.stringify(after) ? 'same' : 'differs';
}

/** As it is compared: lists without their order, times and addresses as their text, nothing as null. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) {
    return null;
  }
  if (Array.isArray(value)) {
    const items = value.map(plain).filter((item) => item !== null);
    return items.length === 0
      ? null
      : items.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  }
  if (typeof value !== 'object') {
    return value;
  }
  if ('time' in value) {
    return value.time;
  }
  if ('ip' in value) {
    return value.ip;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return entries.length === 0 ? null : Object.fromEntries(entries.map(([name, item]) => [name, plain(item)]));
}
