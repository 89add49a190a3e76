import type { Admission, CallGate, CallRequest, Denial } from './callGate.ts';
import {
  type Ask,
  ask,
  type Correction,
  correctCalls,
  emptyLedger,
  type Grant,
  gatheringMs,
  type Ledger,
  type LedgerRules,
  openCircuit,
  resume,
  throttle,
} from './ledger.ts';
import { type Change, createLedgerExchange } from './ledgerExchange.ts';
import type { LedgerStore } from './ledgerStore.ts';
import { nextSlot, safetyMarginMs } from './slidingLog.ts';
import type { StorageClock } from './storageClock.ts';

export interface LedgerGateDeps {
  store: LedgerStore;
  clock: StorageClock;
  rules: LedgerRules;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** Somebody who waits in this process. */
interface Waiter {
  /** Whether a turn was promised, or a slot given that could not be used. */
  returning: boolean;
  readonly mayProbeCircuit: boolean;
  readonly since: number;
  admit(admission: Admission): void;
  fail(error: unknown): void;
}

/** While slots are scarce, this many are asked for in one go, so that the ledger is written seldom. */
const BATCH = 40;
/** A 429 without a word on how long: a random time up to a limit that doubles each time up to this. */
const LONGEST_BLIND_PAUSE_MS = 5 * 60_000;

/**
 * The gate of one process before the shared ledger. Those who want to call gather in a line; one exchange with the
 * ledger at a time serves all of them. Without the ledger no call is made: its errors reach whoever waits.
 */
export function createLedgerGate({ store, clock, rules, random }: LedgerGateDeps): CallGate {
  const lingerMs = gatheringMs(rules);
  const marginMs = Math.min(...rules.limits.map(({ windowMs }) => safetyMarginMs(windowMs)));

  const changeLedger = createLedgerExchange(store, clock, random);

  let line: Waiter[] = [];
  let timer: NodeJS.Timeout | undefined;
  let serving = false;
  let blindPauses = 0;
  let corrections: Correction[] = [];
  // What the last exchange with the ledger showed:
  let latest: Ledger = emptyLedger;
  let scarce = false;
  let noSlotBefore = 0;
  let askAgainAt = 0;
  let refusal: { until: number; detail: string } | undefined;

  function knownDenial(): Denial | undefined {
    return refusal !== undefined && clock.now() < refusal.until ? denial(refusal) : undefined;
  }

  function acquire({ inLine, mayProbeCircuit }: CallRequest, signal: AbortSignal): Promise<Admission> {
    const denied = knownDenial();
    if (denied !== undefined) return Promise.resolve(denied);
    const now = clock.now();
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        line = line.filter((other) => other !== waiter);
        resolve({ kind: 'wait', until: new Date(clock.now()), inLine, detail: 'the time of this run is up' });
      };
      const waiter: Waiter = {
        returning: inLine,
        mayProbeCircuit,
        since: now,
        admit(admission) {
          signal.removeEventListener('abort', giveUp);
          resolve(admission);
        },
        fail(error) {
          signal.removeEventListener('abort', giveUp);
          reject(error);
        },
      };
      if (signal.aborted) return giveUp();
      signal.addEventListener('abort', giveUp, { once: true });
      line.push(waiter);
      schedule();
    });
  }

  /** Free slots are asked for at once; scarce ones when there are many to serve, one has waited long, or one is due. */
  function schedule(): void {
    if (serving) return;
    clearTimeout(timer);
    const now = clock.now();
    const oldest = line[0];
    if (oldest === undefined) {
      if (corrections.length > 0) timer = setTimeout(() => void serve(), lingerMs);
      return;
    }
    const gathered = line.length >= BATCH ? now : oldest.since + lingerMs;
    // Holders of turns may as well gather until their slots are near; new ones are told at once where they stand.
    const canGather =
      line.every(({ returning }) => returning) && noSlotBefore <= oldest.since + rules.inProcessWaitMs;
    const due = scarce ? Math.max(gathered, canGather ? noSlotBefore - lingerMs : 0) : now;
    timer = setTimeout(() => void serve(), Math.max(due, askAgainAt) - now);
  }

  async function serve(): Promise<void> {
    serving = true;
    const waiters = [
      ...line.filter(({ returning }) => returning),
      ...line.filter(({ returning }) => !returning),
    ];
    const corrected = corrections;
    line = [];
    corrections = [];
    try {
      const returning = waiters.filter((waiter) => waiter.returning).length;
      const request: Ask = {
        returning,
        fresh: waiters.length - returning,
        mayProbeCircuit: waiters.filter((waiter) => waiter.mayProbeCircuit).length,
      };
      const grant = await exchange((ledger, now) => {
        const booked = corrected.length > 0 ? correctCalls(ledger, corrected) : ledger;
        // Nobody waits when only the books are corrected: a probe must not be taken for nobody.
        return waiters.length > 0 ? ask(booked, rules, request, now) : { ledger: booked, grant: undefined };
      });
      if (grant !== undefined) dispatch(grant, waiters);
    } catch (error) {
      corrections.push(...corrected);
      for (const waiter of waiters) waiter.fail(error);
    } finally {
      serving = false;
      schedule();
    }
  }

  function dispatch(grant: Grant, waiters: readonly Waiter[]): void {
    const now = clock.now();
    refusal = undefined;
    askAgainAt = 0;
    if (grant.kind === 'slots') {
      const { slots, turns } = grant;
      waiters.forEach((waiter, index) => {
        const slot = slots[index];
        const turn = turns[index - slots.length];
        if (slot !== undefined) admitAt(slot, waiter);
        else if (turn !== undefined) waiter.admit(promiseOf(turn));
      });
      scarce = turns.length > 0 || slots.some((slot) => slot > now + lingerMs);
      return;
    }
    const prober = grant.probe ? proberAmong(waiters, grant.kind) : undefined;
    prober?.admit({ kind: 'granted', probe: grant.kind === 'open' ? 'circuit' : 'pause', slot: now });
    const held = waiters.filter((waiter) => waiter !== prober);
    if (grant.kind === 'open') {
      refusal = { until: grant.retryAt, detail: grant.detail };
      for (const waiter of held) waiter.admit(denial(refusal));
      return;
    }
    askAgainAt = grant.retryAt;
    for (const waiter of held) {
      if (grant.retryAt - waiter.since <= rules.inProcessWaitMs) line.push(waiter);
      else waiter.admit(pauseUntil(grant.retryAt, waiter.returning));
    }
  }

  /** A slot that is missed, because the process was busy, is given up: calling late would break a limit elsewhere. */
  function admitAt(slot: number, waiter: Waiter): void {
    const wait = slot - clock.now();
    if (wait > 0) {
      setTimeout(() => admitAt(slot, waiter), wait);
    } else if (wait < -marginMs / 2 || latest.pause !== null || latest.circuit !== null) {
      corrections.push({ slot, calledAt: null });
      waiter.returning = true;
      line.push(waiter);
      schedule();
    } else {
      waiter.admit({ kind: 'granted', probe: false, slot });
    }
  }

  async function exchange<T>(change: Change<T>): Promise<T> {
    const { ledger, grant } = await changeLedger(change);
    latest = ledger;
    noSlotBefore = nextSlot(ledger.calls, rules.limits, 0);
    return grant;
  }

  return {
    knownDenial,
    acquire,

    returned({ slot }) {
      const now = clock.now();
      if (now - slot <= marginMs) return;
      corrections.push({ slot, calledAt: now });
      schedule();
    },

    async succeeded(permit) {
      blindPauses = 0;
      const { probe } = permit;
      if (probe === false) return;
      await exchange((ledger) => ({ ledger: resume(ledger, probe), grant: undefined }));
      if (probe === 'circuit') refusal = undefined;
      askAgainAt = 0;
      schedule();
    },

    async throttled(retryAfterMs) {
      const blindWait = () =>
        random() * Math.min(LONGEST_BLIND_PAUSE_MS, rules.probeIntervalMs * 2 ** blindPauses);
      const wait = retryAfterMs ?? blindWait();
      if (retryAfterMs === undefined) blindPauses += 1;
      const until = await exchange((ledger, now) => {
        const next = throttle(ledger, rules, now + wait, now);
        return { ledger: next, grant: next.pause?.until ?? now };
      });
      return { until: new Date(until) };
    },

    async denied(permit, detail) {
      const until = await exchange((ledger, now) => {
        const next = openCircuit(ledger, rules, { probe: permit?.probe === 'circuit', detail }, now);
        return { ledger: next, grant: next.circuit?.probeAt ?? now };
      });
      refusal = { until, detail };
      return { until: new Date(until) };
    },
  };
}

/** Any call tells whether a pause is over; of the circuit the first who may probe it, or else whoever is first. */
function proberAmong(waiters: readonly Waiter[], kind: 'paused' | 'open'): Waiter | undefined {
  const judge = kind === 'open' ? waiters.find(({ mayProbeCircuit }) => mayProbeCircuit) : undefined;
  return judge ?? waiters[0];
}

function promiseOf(turn: number): Admission {
  return { kind: 'wait', until: new Date(turn), inLine: true, detail: 'the quota is used up until then' };
}

function pauseUntil(until: number, inLine: boolean): Admission {
  return { kind: 'wait', until: new Date(until), inLine, detail: 'calls are paused after a 429' };
}

function denial({ until, detail }: { until: number; detail: string }): Denial {
  return { kind: 'denied', until: new Date(until), detail };
}
