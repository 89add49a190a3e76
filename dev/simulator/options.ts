import { parseArgs } from 'node:util';
import type { Latency } from './api.ts';
import type { RateLimit, WindowKind } from './rateWindows.ts';

/** How the simulator starts. Everything has a default. */
export interface SimulatorOptions {
  /** Port of the API and of control (0: any free one). */
  port?: number;
  /** Port of the identity endpoint, 0 for any free one (the API's own port). */
  identityPort?: number;
  /** What the fleet, the alerts, the faults and the latency are drawn from (`1`). */
  seed?: string;
  /** Machines in the fleet, at least 1 (200). */
  machines?: number;
  /** Alerts known at the start (1000). */
  alerts?: number;
  /** Limits that hold at the same time (100 calls in 1 minute, 1500 in 1 hour). */
  limits?: readonly RateLimit[];
  /** How the limits' windows lie (`sliding`). */
  windows?: WindowKind;
  /** (No delay.) */
  latency?: Latency;
  /** App permissions of the identity (`Machine.Read.All`). */
  roles?: readonly string[];
  /** How long tokens live (3600). */
  tokenLifetimeSeconds?: number;
  /** Client ID of the only identity (a system-assigned one, and one of any client ID). */
  userAssignedClientId?: string;
  /** The clock, in milliseconds since 1970 (the real one). The alerts' and machines' times count back from its start. */
  now?: () => number;
}

/**
 * Reads the command line.
 *
 * @throws Error that names the option, what it got and what is allowed
 */
export function parseCommandLine(commandLine: readonly string[]): SimulatorOptions {
  const { values } = parseArgs({
    args: [...commandLine],
    options: {
      port: { type: 'string', default: '0' },
      'identity-port': { type: 'string' },
      seed: { type: 'string', default: '1' },
      machines: { type: 'string', default: '200' },
      alerts: { type: 'string', default: '1000' },
      limits: { type: 'string', default: '100/1m,1500/1h' },
      windows: { type: 'string', default: 'sliding' },
      latency: { type: 'string', default: '0ms' },
      roles: { type: 'string', default: 'Machine.Read.All' },
      'token-lifetime': { type: 'string', default: '1h' },
    },
  });
  const identityPort = values['identity-port'];
  return {
    port: parseCount('--port', values.port),
    ...(identityPort === undefined ? {} : { identityPort: parseCount('--identity-port', identityPort) }),
    seed: values.seed,
    machines: parseCount('--machines', values.machines, 1),
    alerts: parseCount('--alerts', values.alerts),
    limits: parseLimits(values.limits),
    windows: parseWindowKind(values.windows),
    latency: parseLatency(values.latency),
    roles: values.roles.split(',').filter((role) => role !== ''),
    tokenLifetimeSeconds: parseDuration('--token-lifetime', values['token-lifetime']) / 1000,
  };
}

/** A list of calls/window, for example `100/1m,1500/1h`. */
function parseLimits(text: string): RateLimit[] {
  return text.split(',').map((limit) => {
    const [calls = '', window, ...rest] = limit.trim().split('/');
    if (!/^[1-9]\d*$/.test(calls) || window === undefined || rest.length > 0) {
      throw new Error(`--limits has '${limit}': write calls/window, for example 100/1m,1500/1h.`);
    }
    return { calls: Number(calls), windowMs: parseDuration('--limits', window) };
  });
}

/** One duration, or two with `..` between them, for example `5ms..20ms`. */
function parseLatency(text: string): Latency {
  const [least = '', most = least] = text.split('..');
  return { least: parseDuration('--latency', least), most: parseDuration('--latency', most) };
}

function parseWindowKind(text: string): WindowKind {
  if (text !== 'sliding' && text !== 'fixed') {
    throw new Error(`--windows is '${text}': write sliding or fixed.`);
  }
  return text;
}

function parseCount(option: string, text: string, least = 0): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
    throw new Error(`${option} is '${text}': write a whole number of ${least} or more.`);
  }
  return Number(text);
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds in a duration like `500ms`, `30s`, `2m` or `1h`. */
function parseDuration(option: string, text: string): number {
  const [, amount, unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(text.trim()) ?? [];
  if (amount === undefined) {
    throw new Error(`${option} has '${text}': write a duration like 500ms, 30s, 2m or 1h.`);
  }
  return Number(amount) * (UNITS[unit] as number);
}
