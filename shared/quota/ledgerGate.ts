import { withinTime } from '../promises.ts';
import { type CallGate, circuitOpen, type PermitDecision, pauseUntil, promiseOf } from './callGate.ts';
import { askFor, type Caller, createCallLine, proberAmong } from './callLine.ts';
import { book, type Feedback } from './feedback.ts';
import { ask, EMPTY_LEDGER, type Grant, gatheringMs, type Ledger, type LedgerRules } from './ledger.ts';
import { type Change, createLedgerExchange, LedgerError, type LedgerStore } from './ledgerExchange.ts';
import { exchangeAt, type Outlook, outlookAfter, outlookAt, outlookOf } from './outlook.ts';
import { safetyMarginMs } from './slidingLog.ts';
import type { StorageClock } from './storageClock.ts';

export interface LedgerGateDeps {
  store: LedgerStore;
  clock: StorageClock;
  rules: LedgerRules;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** Longest pause after a 429 that names no time (ms). It is random, within a limit that doubles up to this. */
const LONGEST_BLIND_PAUSE_MS = 5 * 60_000;
/** Longest pause after a 429 (ms); then a probe goes. A window of the settings may be longer, and then counts. */
const LONGEST_PAUSE_MS = 3_600_000;
/** Longest exchange with the ledger (ms); then it has failed for all callers that wait for it. */
const LONGEST_EXCHANGE_MS = 30_000;

/**
 * The gate of one process before the shared ledger. One exchange at a time serves all callers that wait. What it showed
 * (`Outlook`) says when the next one is worth while, and answers callers that cannot be served within the longest wait.
 * Feedback is kept until it is booked. Without the ledger no call is made: its errors reach all callers that wait.
 * @example const gate = createLedgerGate({ store, clock, rules, random: Math.random });
 */
export function createLedgerGate({ store, clock, rules, random }: LedgerGateDeps): CallGate {
  const marginMs = Math.min(...rules.limits.map(({ windowMs }) => safetyMarginMs(windowMs)));
  const longestPauseMs = Math.max(LONGEST_PAUSE_MS, ...rules.limits.map(({ windowMs }) => windowMs));
  const changeLedger = createLedgerExchange(store, clock, random);
  const line = createCallLine();
  /** Callers whose answer depends on the exchange under way, and callers with a slot that is still to come. */
  const served = new Set<Caller>();
  let outlook: Outlook = { kind: 'free' };
  /** Whether the last ledger seen allows no call: then a slot that was given before is not used. */
  let isStopped = false;
  let feedback: Feedback[] = [];
  let blindPauses = 0;
  let timer: NodeJS.Timeout | undefined;
  let isServing = false;

  function acquire(
    request: Parameters<CallGate['acquire']>[0],
    signal: AbortSignal,
  ): Promise<PermitDecision> {
    const now = clock.now();
    if (signal.aborted) {
      return Promise.resolve(outOfTime(request.place));
    }
    const { answer } = line.join(request, now, signal, (caller) => {
      served.delete(caller);
      schedule();
      return outOfTime(caller.place);
    });
    schedule();
    return answer;
  }

  function outOfTime(place: Caller['place']): PermitDecision {
    const until = new Date(clock.now());
    const detail = 'no slot was free before the time of this run was up';
    return { kind: 'wait', reason: 'quota', until, inLine: place === 'turn', detail };
  }

  /** Answers callers that cannot be served within the longest wait, and times the next exchange. */
  function schedule(): void {
    const now = clock.now();
    outlook = outlookAt(outlook, now);
    answerFrom(outlook);
    if (isServing) {
      return;
    }
    clearTimeout(timer);
    const { since } = line;
    if (since !== undefined) {
      const { length, isAllEarly } = line;
      const due = exchangeAt(outlook, { length, since, isAllEarly }, rules, now);
      timer = setTimeout(() => void serve(), Math.max(0, due - now));
    } else if (feedback.length > 0) {
      timer = setTimeout(() => void serve(), gatheringMs(rules)).unref();
    }
  }

  function answerFrom(current: Outlook): void {
    if (current.kind === 'open') {
      for (const caller of line.takeWhere(() => true)) {
        caller.admit(circuitOpen(current));
      }
    }
    if (current.kind === 'paused') {
      const waitsTooLong = ({ since }: Caller) => current.retryAt - since > rules.inProcessWaitMs;
      for (const caller of line.takeWhere(waitsTooLong)) {
        caller.admit(pauseUntil(current.retryAt, caller.place));
      }
    }
  }

  async function serve(): Promise<void> {
    isServing = true;
    const callers = line.takeAll();
    for (const caller of callers) {
      served.add(caller);
    }
    const request = askFor(callers, rules.inProcessWaitMs, clock.now());
    try {
      // Without callers there is only feedback to book: no probe may be given away then.
      const { grant, ledger } = await exchange((booked, now) =>
        callers.length > 0 ? ask(booked, rules, request, now) : { ledger: booked, grant: undefined },
      );
      if (grant !== undefined) {
        dispatch(grant, callers, ledger);
      }
    } catch (error) {
      // When the ledger gives no answer, callers that came meanwhile would wait as long for nothing.
      const isSilent = error instanceof LedgerError && error.code === 'silent';
      for (const caller of isSilent ? [...callers, ...line.takeAll()] : callers) {
        answer(caller).fail(error);
      }
    } finally {
      isServing = false;
      schedule();
    }
  }

  /** Books all feedback and makes one change more. What an exchange that fails has not booked is kept. */
  async function exchange<T>(change: Change<T>): Promise<{ ledger: Ledger; grant: T }> {
    const taken = feedback;
    feedback = [];
    const changed = changeLedger((ledger, now) => change(book(ledger, rules, taken), now));
    try {
      const result = await withinTime(changed, LONGEST_EXCHANGE_MS, () => {
        throw new LedgerError(
          'silent',
          `The quota ledger in the state table gave no answer within ${LONGEST_EXCHANGE_MS / 1_000} s.`,
        );
      });
      isStopped = result.ledger.pause !== null || result.ledger.circuit !== null;
      return result;
    } catch (error) {
      feedback.unshift(...taken);
      throw error;
    }
  }

  function dispatch(grant: Grant, callers: readonly Caller[], ledger: Ledger): void {
    outlook = outlookAfter(grant, ledger, rules, clock.now());
    switch (grant.kind) {
      case 'slots':
        callers.forEach((caller, index) => {
          const slot = grant.slots[index];
          // The ledger has counted this turn or urgent call: if it asks again it is `first`, to be counted once.
          if (caller.place === 'turn' || (caller.place === 'urgent' && slot !== undefined)) {
            caller.place = 'first';
          }
          const turn = grant.turns[index - grant.slots.length];
          if (slot !== undefined) {
            admitAt(slot, caller);
          } else if (turn !== undefined) {
            answer(caller).admit(promiseOf(turn));
          }
        });
        return;
      case 'paused':
        for (const caller of withoutProber(callers, grant)) {
          line.rejoin(answer(caller));
        }
        return;
      case 'open':
        for (const caller of withoutProber(callers, grant)) {
          answer(caller).admit(circuitOpen(grant));
        }
    }
  }

  /** Lets the probe go, if there is one now, and returns all other callers. */
  function withoutProber(
    callers: readonly Caller[],
    { kind, probe }: Exclude<Grant, { kind: 'slots' }>,
  ): readonly Caller[] {
    if (probe === null) {
      return callers;
    }
    const prober = proberAmong(callers, kind);
    if (prober === undefined) {
      feedback.push({ kind: 'unused', slot: probe });
    } else {
      answer(prober).admit({ kind: 'granted', probe: kind === 'open' ? 'circuit' : 'pause', slot: probe });
    }
    return callers.filter((caller) => caller !== prober);
  }

  /** Waits for the slot. If a busy process misses it, it is given up: a late call would break a limit elsewhere. */
  function admitAt(slot: number, caller: Caller): void {
    const waitMs = slot - clock.now();
    if (waitMs > 0 && !caller.isGone) {
      setTimeout(() => admitAt(slot, caller), waitMs);
    } else if (caller.isGone || waitMs < -marginMs / 2 || isStopped) {
      feedback.push({ kind: 'unused', slot });
      served.delete(caller);
      line.rejoin(caller);
      schedule();
    } else {
      answer(caller).admit({ kind: 'granted', probe: false, slot });
    }
  }

  function answer(caller: Caller): Caller {
    served.delete(caller);
    return caller;
  }

  /** Books feedback at once, so that all processes know. If that fails, a later exchange books it. */
  async function report(entry: Feedback): Promise<Ledger | undefined> {
    feedback.push(entry);
    try {
      const { ledger } = await exchange((booked) => ({ ledger: booked, grant: undefined }));
      return ledger;
    } catch {
      return undefined;
    }
  }

  return {
    acquire,

    openCircuit() {
      const current = outlookAt(outlook, clock.now());
      return current.kind === 'open' ? circuitOpen(current) : undefined;
    },

    release({ slot }) {
      feedback.push({ kind: 'unused', slot });
      schedule();
    },

    returned({ slot }) {
      const now = clock.now();
      if (now - slot <= marginMs) {
        return;
      }
      feedback.push({ kind: 'moved', slot, calledAt: now });
      schedule();
    },

    async succeeded({ probe, slot }) {
      blindPauses = 0;
      if (probe !== false) {
        const ledger = await report({ kind: 'succeeded', probe, slot });
        outlook = ledger === undefined ? outlook : outlookOf(ledger, rules, clock.now());
        schedule();
      }
    },

    async throttled(retryAfterMs) {
      const at = clock.now();
      const blindWait = () =>
        random() * Math.min(LONGEST_BLIND_PAUSE_MS, rules.probeIntervalMs * 2 ** blindPauses);
      const until = at + Math.min(longestPauseMs, retryAfterMs ?? blindWait());
      if (retryAfterMs === undefined) {
        blindPauses += 1;
      }
      const ledger = await report({ kind: 'throttled', until, at });
      isStopped = true;
      outlook = outlookOf(ledger ?? { ...EMPTY_LEDGER, pause: { until, at } }, rules, clock.now());
      schedule();
      return { until: new Date(ledger?.pause?.until ?? until) };
    },

    async denied(permit, { cause, detail }) {
      const at = clock.now();
      const ledger = await report({
        kind: 'denied',
        isProbe: permit?.probe === 'circuit',
        cause,
        detail,
        at,
      });
      isStopped = true;
      const until = ledger?.circuit?.probeAt ?? at + rules.probeIntervalMs;
      const circuit = { openedAt: at, refusedAt: at, failures: 1, probeAt: until, cause, detail };
      outlook = outlookOf(ledger ?? { ...EMPTY_LEDGER, circuit }, rules, clock.now());
      schedule();
      return { until: new Date(until) };
    },

    waitingSince() {
      const times = [...served].map(({ since }) => since);
      if (line.since !== undefined) {
        times.push(line.since);
      }
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}
