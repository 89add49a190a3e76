import type { Admission, CallGate } from './callGate.ts';
import {
  type Answer,
  type Ask,
  ask,
  type Grant,
  type Ledger,
  type LedgerRules,
  openCircuit,
  resume,
  throttle,
} from './ledger.ts';
import type { LedgerStore, StoredLedger } from './ledgerStore.ts';
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
  returning: boolean;
  since: number;
  admit(admission: Admission): void;
  fail(error: unknown): void;
}

/** While slots are scarce, this many are asked for in one go, so that the ledger is written seldom. */
const BATCH = 16;
/** Turns promised in advance while there is a line. */
const SPARE_TURNS = 48;
/** A 429 without a word on how long: this grows by doubling up to the limit. */
const LONGEST_BLIND_PAUSE_MS = 5 * 60_000;
/** So many lost races for the ledger in a row mean something else than a race. */
const MOST_ATTEMPTS = 50;

/**
 * The gate of one process before the shared ledger. Those who want to call gather in a line; one exchange with the
 * ledger at a time serves all of them. Without the ledger no call is made: its errors reach whoever waits.
 */
export function createLedgerGate({ store, clock, rules, random }: LedgerGateDeps): CallGate {
  const lingerMs = rules.inProcessWaitMs / 16;
  const lateMs = Math.min(...rules.limits.map(({ windowMs }) => safetyMarginMs(windowMs))) / 2;

  let line: Waiter[] = [];
  let timer: NodeJS.Timeout | undefined;
  let serving = false;
  let spareTurns: number[] = [];
  /** What the last exchange showed: whether slots are scarce, and until when everybody has to wait. */
  let scarce = false;
  let noSlotBefore = 0;
  let closed: { until: number; admission: () => Admission } | undefined;
  let latest: StoredLedger | undefined;
  let blindPauses = 0;

  function acquire({ inLine }: { inLine: boolean }, signal: AbortSignal): Promise<Admission> {
    if (closed !== undefined && clock.now() < closed.until) return Promise.resolve(closed.admission());
    if (!inLine && scarce) {
      const turn = nextSpareTurn();
      if (turn !== undefined) return Promise.resolve(turnAt(turn));
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        returning: inLine,
        since: clock.now(),
        admit(admission) {
          signal.removeEventListener('abort', giveUp);
          resolve(admission);
        },
        fail(error) {
          signal.removeEventListener('abort', giveUp);
          reject(error);
        },
      };
      const giveUp = () => {
        line = line.filter((other) => other !== waiter);
        resolve({ kind: 'wait', until: new Date(clock.now()), inLine, detail: 'time to answer ran out' });
      };
      signal.addEventListener('abort', giveUp, { once: true });
      line.push(waiter);
      schedule();
    });
  }

  function nextSpareTurn(): number | undefined {
    const now = clock.now();
    spareTurns = spareTurns.filter((turn) => turn > now);
    return spareTurns.shift();
  }

  function turnAt(turn: number): Admission {
    return { kind: 'wait', until: new Date(turn), inLine: true, detail: 'the quota is used up until then' };
  }

  /** Free slots are asked for at once; scarce ones when there are many to serve, one has waited long, or one is due. */
  function schedule(): void {
    const oldest = line[0];
    if (serving || oldest === undefined) return;
    clearTimeout(timer);
    const now = clock.now();
    const gathered = line.length >= BATCH ? now : oldest.since + lingerMs;
    const due = scarce ? Math.max(gathered, noSlotBefore - lingerMs) : now;
    timer = setTimeout(() => void serve(), Math.max(0, Math.max(due, closed?.until ?? 0) - now));
  }

  async function serve(): Promise<void> {
    serving = true;
    const served = line;
    line = [];
    try {
      await serveLine(served);
    } catch (error) {
      for (const waiter of served) waiter.fail(error);
    } finally {
      serving = false;
      schedule();
    }
  }

  async function serveLine(served: Waiter[]): Promise<void> {
    const waiters = [
      ...served.filter(({ returning }) => returning),
      ...served.filter(({ returning }) => !returning),
    ];
    const returning = served.filter((waiter) => waiter.returning).length;
    const request: Ask = {
      returning,
      fresh: served.length - returning,
      spareTurns: scarce && spareTurns.length === 0 && served.length > returning ? SPARE_TURNS : 0,
    };
    const grant = await exchange<Grant>((ledger, now) => {
      const answer: Answer = ask(ledger, rules, request, now);
      return { ledger: answer.ledger, result: answer.grant };
    });
    dispatch(grant, waiters);
  }

  function dispatch(grant: Grant, waiters: Waiter[]): void {
    if (grant.kind === 'slots') {
      const left = waiters.splice(grant.slots.length);
      grant.slots.forEach((slot, index) => {
        const waiter = waiters[index];
        if (waiter !== undefined) admitAt(slot, waiter);
      });
      grant.turns.forEach((turn, index) => {
        left[index]?.admit(turnAt(turn));
      });
      spareTurns.push(...grant.spareTurns);
      scarce = grant.turns.length > 0 || grant.slots.some((slot) => slot > clock.now() + lingerMs);
      closed = undefined;
      return;
    }
    if (grant.probe) waiters.shift()?.admit({ kind: 'granted', probe: true });
    if (grant.kind === 'open') {
      const { detail } = grant;
      closed = {
        until: grant.retryAt,
        admission: () => ({ kind: 'denied', until: new Date(grant.retryAt), detail }),
      };
      for (const waiter of waiters) waiter.admit(closed.admission());
      return;
    }
    // A short pause: whoever waits here goes on waiting, but no longer than one may.
    closed = undefined;
    scarce = true;
    const now = clock.now();
    for (const waiter of waiters) {
      if (grant.retryAt - waiter.since > rules.inProcessWaitMs) {
        waiter.admit({
          kind: 'wait',
          until: new Date(grant.retryAt),
          inLine: waiter.returning,
          detail: 'calls are paused after a 429',
        });
      } else {
        line.push(waiter);
      }
    }
    if (line.length > 0) setTimeout(() => void (serving || serve()), Math.max(0, grant.retryAt - now));
  }

  /** A slot that is missed, because the process was busy, is given up: calling late would break a limit elsewhere. */
  function admitAt(slot: number, waiter: Waiter): void {
    const wait = slot - clock.now();
    if (wait > 0) {
      setTimeout(() => admitAt(slot, waiter), wait);
    } else if (wait < -lateMs || (latest?.ledger.pause ?? latest?.ledger.circuit) != null) {
      line.push({ ...waiter, returning: true });
      schedule();
    } else {
      waiter.admit({ kind: 'granted', probe: false });
    }
  }

  /** Reads the ledger, lets `change` compute the next one, and writes it; begins again when somebody else was faster. */
  async function exchange<T>(
    change: (ledger: Ledger, now: number) => { ledger: Ledger; result: T },
  ): Promise<T> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const stored = await store.read();
      const { ledger, result } = change(stored.ledger, clock.now());
      const etag = ledger === stored.ledger ? stored.etag : await store.write(ledger, stored.etag);
      if (etag !== undefined || ledger === stored.ledger) {
        latest = { ledger, etag };
        noSlotBefore = nextSlot(ledger.calls, rules.limits, 0);
        return result;
      }
      await new Promise((resolve) => setTimeout(resolve, random() * 20 * Math.min(attempt + 1, 10)));
    }
    throw new Error(
      `The quota ledger could not be written: another instance was faster ${MOST_ATTEMPTS} times in a row.`,
    );
  }

  return {
    acquire,

    async succeeded(permit) {
      blindPauses = 0;
      if (!permit.probe) return;
      await exchange((ledger) => ({ ledger: resume(ledger), result: undefined }));
      closed = undefined;
      schedule();
    },

    async throttled(retryAfterMs) {
      const wait =
        retryAfterMs ?? random() * Math.min(LONGEST_BLIND_PAUSE_MS, rules.probeIntervalMs * 2 ** blindPauses);
      if (retryAfterMs === undefined) blindPauses += 1;
      const until = await exchange((ledger, now) => {
        const next = throttle(ledger, rules, now + wait, now);
        return { ledger: next, result: next.pause?.until ?? now };
      });
      return { until: new Date(until) };
    },

    async denied(permit, detail) {
      const until = await exchange((ledger, now) => {
        const next = openCircuit(ledger, rules, { probe: permit?.probe ?? false, detail }, now);
        return { ledger: next, result: next.circuit?.probeAt ?? now };
      });
      closed = { until, admission: () => ({ kind: 'denied', until: new Date(until), detail }) };
      return { until: new Date(until) };
    },
  };
}
