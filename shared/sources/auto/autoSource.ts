import type { ApiSign } from '../lookUp.ts';
import type { AlertFeed, AlertReference, Source, SourceAnswer, SourceName } from '../source.ts';
import { INITIAL_STATE, PROBE_INTERVAL_MS, type SourceState, stateAfter } from './sourceState.ts';

/** The state as read, with the ETag that a write must present. */
export interface StoredSourceState {
  state: SourceState;
  /** Undefined while there is no row. */
  etag: string | undefined;
}

/** Keeps the state where all processes find it. Both methods throw when the storage service cannot be used. */
export interface SourceStateStore {
  read(): Promise<StoredSourceState>;
  /** The new ETag, or undefined when another process wrote first. */
  write(state: SourceState, etag: string | undefined): Promise<string | undefined>;
}

/** What the log is told when another source takes over. */
export interface SourceEvent {
  event: 'source';
  /** Undefined for the home tenant. */
  tenantId?: string | undefined;
  from: SourceName;
  to: SourceName;
  detail: string;
}

/** What the source needs: both sources, and the state that processes share. */
export interface AutoSourceDeps {
  /** Makes the source of the Defender API, which tells what its look-ups say about the API. */
  defender: (onSign: (sign: ApiSign) => void) => Source;
  graph: Source;
  store: SourceStateStore;
  onChange: (event: SourceEvent) => void;
  now: () => Date;
  /** The setting RETRY_BASE_DELAY. */
  retryBaseDelayMs: number;
}

/**
 * Times as multiples of `RETRY_BASE_DELAY` (5 s in production), which also sets how often an open circuit is probed.
 */
const TIMES = {
  /** How long the signs that Defender is gone must span: a minute. */
  doubt: 12,
  /** How long a process uses the state without reading it again, so that all move over within that: 15 s. */
  known: 3,
  /** How long after an answer of Defender a 404 is believed. Later, an alert that it knows is asked about first. */
  trust: 12,
  /** Shortest time between two such questions of a process: 20 s. */
  check: 4,
  /** How long alerts that Defender does not know wait while it is not clear whether it is gone: 30 s. */
  wait: 6,
};

/** Defender while it serves, and Microsoft Graph once it is gone: `sourceState.ts` says when that is. */
export interface AutoSource extends Source {
  /** The state as it was a few seconds ago at most. */
  current(): Promise<SourceState>;
}

/** Creates the source that uses Defender while it serves, and then Graph. Its methods throw when storage fails. */
export function createAutoSource(deps: AutoSourceDeps): AutoSource {
  const { graph, store, onChange, now } = deps;
  const timeOf = (name: keyof typeof TIMES) => TIMES[name] * deps.retryBaseDelayMs;
  let known: StoredSourceState = { state: INITIAL_STATE, etag: undefined };
  let readAt = Number.NEGATIVE_INFINITY;
  let servedAt = Number.NEGATIVE_INFINITY;
  let checkedAt = Number.NEGATIVE_INFINITY;
  /** Signs of look-ups under way, booked one after the other. */
  let booking: Promise<void> = Promise.resolve();
  const defender = deps.defender((sign) => {
    if (sign.kind === 'serves') {
      servedAt = now().getTime();
    }
    booking = booking.then(() => book(sign)).catch(() => undefined);
  });

  async function current(): Promise<SourceState> {
    if (now().getTime() - readAt >= timeOf('known')) {
      known = await store.read();
      readAt = now().getTime();
    }
    return known.state;
  }

  /** Writes what a sign changes. If another process wrote first, the change is made again on what that wrote. */
  async function book(sign: ApiSign): Promise<void> {
    await change((state) => stateAfter(state, sign, now(), timeOf('doubt')));
  }

  /** @returns Whether this process made the change. */
  async function change(next: (state: SourceState) => SourceState): Promise<boolean> {
    for (;;) {
      const { state } = known;
      const changed = next(state);
      if (changed === state) {
        return false;
      }
      const etag = await store.write(changed, known.etag);
      if (etag !== undefined) {
        known = { state: changed, etag };
        tellChange(state, changed);
        return true;
      }
      known = await store.read();
      readAt = now().getTime();
    }
  }

  function tellChange(before: SourceState, after: SourceState): void {
    if (before.mode !== after.mode) {
      const detail = after.mode === 'graph' ? after.detail : 'the Defender API serves again';
      onChange({ event: 'source', from: before.mode, to: after.mode, detail });
    }
  }

  async function findInDefender(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
    const answer = await defender.find(alert, signal);
    await booking;
    if (answer.kind !== 'not_found') {
      return answer;
    }
    await checkCanary(alert.alertId, signal);
    const { state } = known;
    // Whether the alert is unknown or the API is gone is open: the alert waits, and no attempt is counted.
    return state.mode === 'defender' && state.doubt !== null
      ? { kind: 'denied', until: new Date(now().getTime() + timeOf('wait')), detail: state.doubt.detail }
      : answer;
  }

  async function checkCanary(alertId: string, signal: AbortSignal): Promise<void> {
    const { canary } = known.state;
    const isTrusted = now().getTime() - servedAt < timeOf('trust');
    const isChecked = now().getTime() - checkedAt < timeOf('check');
    if (isTrusted || isChecked || canary === null || canary === alertId) {
      return;
    }
    checkedAt = now().getTime();
    await defender.find(referenceTo(canary), signal);
    await booking;
  }

  /** Makes a call or two to Defender in an hour, in one process, to see whether it serves again. */
  async function probe(alert: AlertReference, signal: AbortSignal): Promise<void> {
    const isDue = (state: SourceState) => state.mode === 'graph' && state.nextProbeAt <= now();
    if (!isDue(known.state)) {
      return;
    }
    const nextProbeAt = new Date(now().getTime() + PROBE_INTERVAL_MS);
    const isOurs = await change((state) =>
      isDue(state) ? ({ ...state, nextProbeAt } as SourceState) : state,
    );
    if (isOurs) {
      const { kind } = await defender.find(referenceTo(known.state.canary ?? alert.alertId), signal);
      // Defender forgets alerts with time: where it does not know the canary, a new alert tells whether it serves.
      if (kind === 'not_found' && known.state.canary !== null) {
        await defender.find(referenceTo(alert.alertId), signal);
      }
      await booking;
    }
  }

  return {
    get name() {
      return known.state.mode;
    },
    current,
    async find(alert, signal) {
      const { mode } = await current();
      if (mode === 'defender') {
        const answer = await findInDefender(alert, signal);
        // The last sign may have been this one: then no alert need wait.
        return known.state.mode === 'graph' && answer.kind === 'denied' ? graph.find(alert, signal) : answer;
      }
      await probe(alert, signal);
      return graph.find(alert, signal);
    },
  };
}

function referenceTo(alertId: string): AlertReference {
  return { alertId, inLine: false, isReturning: false, refresh: true, firstSeen: new Date(0) };
}

/** The alert list of the API that serves. */
export function createAutoFeed(
  source: Pick<AutoSource, 'current'>,
  feeds: Record<SourceName, AlertFeed>,
): AlertFeed {
  return {
    async listUpdatedSince(since, take, signal) {
      const { mode } = await source.current();
      return feeds[mode].listUpdatedSince(since, take, signal);
    },
  };
}
