import type { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';
import { withinTime } from '../promises.ts';
import type { Ledger } from '../quota/ledger.ts';
import type { SourceState } from '../sources/auto/sourceState.ts';
import { isStorageError, storageErrorText } from '../storage/storageError.ts';
import { counted } from '../text.ts';

/** One thing that alerts need. */
export interface HealthCheck {
  name: string;
  /** `failed` stops alerts; a `warning` does not, or it is not known whether it does. */
  status: 'ok' | 'warning' | 'failed';
  /** For a person: how it is, or what is wrong. */
  detail: string;
}

export interface HealthReport {
  /** Healthy when no check has failed. */
  status: 'healthy' | 'unhealthy';
  /** Whether each check is ok: an alert that comes now is enriched. */
  ready: boolean;
  checks: HealthCheck[];
  /** The customers' tenants, where there are any. What is wrong with one of them keeps no other's alerts back. */
  tenants?: TenantsHealth;
}

/** The tenants in the answer about health. */
export interface TenantsHealth {
  served: number;
  unwell: { tenantId: string; name?: string; detail: string }[];
  moreUnwell: number;
}

/** What a probe has found. */
export type Finding = Pick<HealthCheck, 'status' | 'detail'>;

/** Looks at one thing, cheaply. */
export interface HealthProbe {
  name: string;
  /** @throws When the thing cannot be looked at, which is a failed check. */
  look(): Promise<Finding>;
}

/** Runs all probes at once. Never throws. @param timeoutMs How long a probe may take before its check has failed. */
export async function checkHealth(probes: readonly HealthProbe[], timeoutMs: number): Promise<HealthReport> {
  const checks = await Promise.all(probes.map((probe) => checkOf(probe, timeoutMs)));
  const isHealthy = checks.every(({ status }) => status !== 'failed');
  const ready = checks.every(({ status }) => status === 'ok');
  return { status: isHealthy ? 'healthy' : 'unhealthy', ready, checks };
}

async function checkOf({ name, look }: HealthProbe, timeoutMs: number): Promise<HealthCheck> {
  const late: Finding = { status: 'failed', detail: `no answer within ${timeoutMs / 1_000} s` };
  try {
    return { name, ...(await withinTime(look(), timeoutMs, () => late)) };
  } catch (error) {
    return { name, status: 'failed', detail: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (isStorageError(error)) {
    return storageErrorText(error);
  }
  return error instanceof Error ? error.message : 'unknown';
}

/** Whether the queue can be used, and how full it is. */
export function queueProbe(queue: QueueClient): HealthProbe {
  return {
    name: `queue "${queue.name}"`,
    async look() {
      const { approximateMessagesCount = 0 } = await queue.getProperties();
      return { status: 'ok', detail: `about ${counted(approximateMessagesCount, 'message')}` };
    },
  };
}

/** Whether the table can be read. */
export function tableProbe(table: TableClient): HealthProbe {
  return {
    name: `table "${table.tableName}"`,
    async look() {
      // Nothing has this key: unlike a read of one row, a query tells a table that is missing from a row that is.
      const none = table.listEntities({ queryOptions: { filter: "PartitionKey eq ''" } });
      await none.next();
      return { status: 'ok', detail: 'readable' };
    },
  };
}

/** A clock that is further off spoils signatures and the ends of tokens. */
const LARGEST_CLOCK_OFFSET_MS = 5 * 60_000;

/** Whether the machine's clock is right. @param offsetMs How far the storage service's clock is ahead of it. */
export function clockProbe(offsetMs: () => number): HealthProbe {
  return {
    name: 'clock',
    async look() {
      const seconds = Math.round(offsetMs() / 1_000);
      const status = Math.abs(offsetMs()) <= LARGEST_CLOCK_OFFSET_MS ? 'ok' : 'failed';
      const side = seconds > 0 ? 'ahead of' : 'behind';
      const detail = `the storage service's clock is ${Math.abs(seconds)} s ${side} the app's`;
      return { status, detail: seconds === 0 ? "agrees with the storage service's" : detail };
    },
  };
}

/** Whether the circuit of the API that serves now is closed. Reads the ledger and makes no call. */
export function circuitProbe(readLedger: () => Promise<Ledger>): HealthProbe {
  return {
    name: 'circuit',
    async look() {
      const { circuit } = await readLedger();
      if (circuit === null) {
        return { status: 'ok', detail: 'closed' };
      }
      const since = new Date(circuit.openedAt).toISOString();
      const next = new Date(circuit.probeAt).toISOString();
      return {
        status: 'failed',
        detail: `open since ${since}, next probe ${next}: ${circuit.detail}`,
      };
    },
  };
}

/**
 * Which source serves. An open circuit of hunting fails no check, because devices are described without hunting too.
 * @param choice The setting ENRICHMENT_SOURCE.
 */
export function sourceProbe(
  choice: string,
  current: () => Promise<SourceState>,
  readHunting: () => Promise<Ledger>,
): HealthProbe {
  return {
    name: 'source',
    async look() {
      const [state, { circuit }] = await Promise.all([current(), readHunting()]);
      const hunting = circuit === null ? '' : `; the circuit of hunting is open: ${circuit.detail}`;
      if (choice !== 'auto') {
        return { status: 'ok', detail: `${state.mode}${hunting}` };
      }
      return {
        status: 'ok',
        detail:
          state.mode === 'graph'
            ? `graph since ${state.since.toISOString()}, because Defender is gone: ${state.detail}${hunting}`
            : `defender${state.doubt === null ? '' : `, which may be gone: ${state.doubt.detail}`}`,
      };
    },
  };
}

/** Longest time that a caller of the gate waits for its answer, with a margin (ms): the longest wait in a process, or a failed exchange. */
const LONGEST_WAIT_MS = 90_000;

/**
 * Whether callers of the gate are answered in this process.
 * @param waitingSince Since when the first caller waits (milliseconds on the clock), if one does.
 */
export function gateProbe(waitingSince: () => number | undefined, now: () => number): HealthProbe {
  return {
    name: 'calls',
    async look() {
      const waitedMs = now() - (waitingSince() ?? now());
      if (waitedMs <= LONGEST_WAIT_MS) {
        return { status: 'ok', detail: 'no look-up waits for long' };
      }
      const seconds = Math.round(waitedMs / 1_000);
      return { status: 'failed', detail: `a look-up has waited ${seconds} s for its turn in this process` };
    },
  };
}

/** Most gaps of the schedule without a complete pass: one pass may fail, and one be late. */
const GAPS_WITHOUT_A_PASS = 3;

/**
 * Whether the poller comes to the end of its passes.
 * @param readLastPass When the last complete pass began, if there was one.
 * @param gapMs The longest time between two runs of its schedule.
 * @param since When this process started. Before the first complete pass the age counts from here, so that a new process
 * reports no fault.
 */
export function pollerProbe(
  readLastPass: () => Promise<Date | undefined>,
  gapMs: () => number,
  since: Date,
  now: () => number,
): HealthProbe {
  return {
    name: 'poller',
    async look() {
      const lastPass = await readLastPass();
      const ageMs = now() - (lastPass ?? since).getTime();
      const last =
        lastPass === undefined ? 'no complete pass yet' : `last complete pass ${lastPass.toISOString()}`;
      return ageMs <= GAPS_WITHOUT_A_PASS * gapMs()
        ? { status: 'ok', detail: last }
        : { status: 'failed', detail: `${last}: the timer does not run, or its passes fail` };
    },
  };
}
