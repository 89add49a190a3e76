import { type Clock, install } from '@sinonjs/fake-timers';
import { seededRandom } from '#dev/simulator/random.ts';
import type { RateLimit } from '#shared/config/rateLimits.ts';
import type { CallGate } from '#shared/quota/callGate.ts';
import { EMPTY_LEDGER, type Ledger, type LedgerRules, limitsInForce } from '#shared/quota/ledger.ts';
import type { LedgerStore } from '#shared/quota/ledgerExchange.ts';
import { createLedgerGate } from '#shared/quota/ledgerGate.ts';
import { allowedSince } from '#shared/quota/slidingLog.ts';

/** What happens in a soak, in virtual time. */
export interface SoakPlan {
  limits: readonly RateLimit[];
  processes: number;
  /** How long new alerts come; afterwards the line is drained. */
  virtualMs: number;
  inProcessWaitMs: number;
  /** Mean number of alerts in a burst, and mean time between two bursts. */
  burst: { alerts: number; everyMs: number };
  /** The part of the calls that the server refuses with 429 though they keep the limits, as a busy service does. */
  unjust429s: number;
  seed: number;
}

export interface SoakResult {
  alerts: number;
  answered: number;
  calls: number;
  /** 429s because a limit was exceeded. */
  deserved429s: number;
  unjust429s: number;
  /**
   * The longest that a process let its callers wait without calling, and the longest that nobody at all called while
   * an alert was in a process, each while the ledger had a free slot all the time.
   */
  longestSilenceMs: { process: number; everybody: number };
  /** The longest that a caller waited in a process for an answer of the gate. */
  longestWaitMs: number;
  ledgerWrites: number;
  /** From the last arrival to the last answer. */
  drainMs: number;
}

const START = Date.UTC(2026, 0, 1);
const TICK_MS = 250;
/** Delays of queue messages have whole seconds, and a poll finds them up to two seconds later. */
const DELIVERY_MS = 3_000;

interface Alert {
  dueAt: number;
  holdsTurn: boolean;
}

/**
 * Bursts of alerts on several processes that share a ledger, against a server that counts exactly and at times refuses
 * at random; all in virtual time, so hours take seconds. The same seed brings the same soak.
 */
export async function soakGates(plan: SoakPlan): Promise<SoakResult> {
  const clock = install({ now: START, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  try {
    return await run(plan, clock);
  } finally {
    clock.uninstall();
  }
}

async function run(plan: SoakPlan, clock: Clock): Promise<SoakResult> {
  const random = seededRandom(plan.seed);
  const rules: LedgerRules = {
    limits: plan.limits,
    share: 1,
    inProcessWaitMs: plan.inProcessWaitMs,
    probeIntervalMs: 5_000,
  };
  const shared = createSharedLedger();
  const gates = Array.from({ length: plan.processes }, () =>
    createLedgerGate({
      store: shared.store,
      clock: { now: Date.now, observe: () => undefined },
      rules,
      random,
    }),
  );
  const result: SoakResult = {
    alerts: 0,
    answered: 0,
    calls: 0,
    deserved429s: 0,
    unjust429s: 0,
    longestSilenceMs: { process: 0, everybody: 0 },
    longestWaitMs: 0,
    ledgerWrites: 0,
    drainMs: 0,
  };
  const never = new AbortController().signal;
  const served: number[] = [];
  let waiting: Alert[] = [];
  let underWay = 0;
  let lastArrivalAt = START;
  let lastAnswerAt = START;
  const lastCallAt = new Map<CallGate, number>();

  async function take(alert: Alert): Promise<void> {
    const gate = gates[Math.floor(random() * gates.length)] as CallGate;
    const since = Date.now();
    const place = alert.holdsTurn ? 'turn' : 'last';
    const admission = await gate.acquire({ place, mayProbeCircuit: true }, never);
    result.longestWaitMs = Math.max(result.longestWaitMs, Date.now() - since);
    if (admission.kind !== 'granted') {
      waiting.push({
        dueAt: Math.max(Date.now(), admission.until.getTime()) + random() * DELIVERY_MS,
        holdsTurn: admission.kind === 'wait' && admission.inLine,
      });
      return;
    }
    lastCallAt.set(gate, Date.now());
    await sleep(20 + random() * 180);
    const refusal = call();
    gate.returned(admission);
    if (refusal === undefined) {
      result.answered += 1;
      lastAnswerAt = Date.now();
      await gate.succeeded(admission);
      return;
    }
    const { until } = await gate.throttled(refusal.retryAfterMs);
    waiting.push({ dueAt: until.getTime() + random() * 5_000, holdsTurn: false });
  }

  function call(): { retryAfterMs: number | undefined } | undefined {
    const now = Date.now();
    result.calls += 1;
    const isTooMany = plan.limits.some(
      ({ calls, windowMs }) => served.filter((at) => at > now - windowMs).length >= calls,
    );
    served.push(now);
    const longest = Math.max(...plan.limits.map(({ windowMs }) => windowMs));
    while ((served[0] ?? now) <= now - longest) {
      served.shift();
    }
    if (isTooMany) {
      result.deserved429s += 1;
      return { retryAfterMs: 5_000 };
    }
    if (random() >= plan.unjust429s) {
      return undefined;
    }
    result.unjust429s += 1;
    return { retryAfterMs: random() < 0.5 ? undefined : Math.round(random() * 60_000) };
  }

  let nextBurstAt = START;
  let freeSince: number | undefined;
  const workSince = new Map<CallGate | 'everybody', number>();

  function noteSilence(): void {
    const now = Date.now();
    freeSince = isFree(shared.ledger(), rules, now) ? (freeSince ?? now) : undefined;
    const note = (who: CallGate | 'everybody', hasWork: boolean, calledAt: number | undefined) => {
      if (hasWork) {
        workSince.set(who, workSince.get(who) ?? now);
      } else {
        workSince.delete(who);
      }
      const since = workSince.get(who);
      if (since === undefined || freeSince === undefined) {
        return;
      }
      const kind = who === 'everybody' ? 'everybody' : 'process';
      const silence = now - Math.max(since, freeSince, calledAt ?? 0);
      result.longestSilenceMs[kind] = Math.max(result.longestSilenceMs[kind], silence);
    };
    for (const gate of gates) {
      note(gate, gate.waitingSince() !== undefined, lastCallAt.get(gate));
    }
    note('everybody', underWay > 0, Math.max(...lastCallAt.values(), 0));
  }

  while (Date.now() < START + plan.virtualMs || waiting.length + underWay > 0) {
    const now = Date.now();
    if (now > START + plan.virtualMs * 20) {
      break;
    }
    if (now >= nextBurstAt && now < START + plan.virtualMs) {
      const count = Math.ceil(random() * 2 * plan.burst.alerts);
      for (let index = 0; index < count; index += 1) {
        waiting.push({ dueAt: now, holdsTurn: false });
      }
      result.alerts += count;
      lastArrivalAt = now;
      nextBurstAt = now + random() * 2 * plan.burst.everyMs;
    }
    const due = waiting.filter(({ dueAt }) => dueAt <= now).slice(0, plan.processes * 48 - underWay);
    const isDue = new Set(due);
    waiting = waiting.filter((alert) => !isDue.has(alert));
    for (const alert of due) {
      underWay += 1;
      void take(alert).finally(() => {
        underWay -= 1;
      });
    }
    noteSilence();
    await clock.tickAsync(TICK_MS);
  }
  result.ledgerWrites = shared.writes();
  result.drainMs = Math.max(0, lastAnswerAt - lastArrivalAt);
  return result;
}

/** Whether one more call could be booked for this moment. */
function isFree(ledger: Ledger, rules: LedgerRules, now: number): boolean {
  if (ledger.pause !== null || ledger.circuit !== null) {
    return false;
  }
  const inForce = limitsInForce(ledger, rules, now);
  return allowedSince(ledger.calls, inForce) <= now && (ledger.calls.at(-1) ?? 0) <= now;
}

/** A ledger in memory with conditional writes. */
function createSharedLedger() {
  let ledger: Ledger = EMPTY_LEDGER;
  let version = 0;
  const store: LedgerStore = {
    async read() {
      await sleep(5);
      return { ledger, etag: version === 0 ? undefined : String(version) };
    },
    async write(next, etag) {
      await sleep(5);
      if (etag !== (version === 0 ? undefined : String(version))) {
        return undefined;
      }
      ledger = next;
      version += 1;
      return String(version);
    },
  };
  return { store, ledger: () => ledger, writes: () => version };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
