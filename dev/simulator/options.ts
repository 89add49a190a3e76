import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { RateLimit, WindowKind } from './rateWindows.ts';
import { type RetiredStatus, retiredStatuses } from './retirement.ts';
import type { Latency, TenantOptions } from './tenant.ts';

/** How the simulator starts. Everything has a default. What belongs to a tenant is that of the home tenant. */
export interface SimulatorOptions extends Omit<TenantOptions, 'tenantId'> {
  /** Port of the API and of control (0: any free one). */
  port?: number;
  /** Port of the identity endpoint, 0 for any free one (the API's own port). */
  identityPort?: number;
  /** What the fleet, the alerts, the faults and the latency are drawn from (`1`). */
  seed?: string;
  /** How long tokens live (3600). */
  tokenLifetimeSeconds?: number;
  /** Client ID of the only identity (a system-assigned one, and one of any client ID). */
  userAssignedClientId?: string;
  /** Tenants besides the home tenant. What is left out is as in the home tenant. */
  tenants?: readonly TenantOptions[];
  /** Where apps sign in to a tenant, by HTTPS; needs `userAssignedClientId` (there is no such service). */
  signInService?: SignInServiceOptions;
  /** The clock, in milliseconds since 1970 (the real one). The alerts' and machines' times count back from its start. */
  now?: () => number;
}

export interface SignInServiceOptions {
  /** (0: any free one.) */
  port?: number;
  /** PEM. */
  certificate: string;
  /** PEM. */
  key: string;
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
      'graph-limits': { type: 'string', default: '120/1m' },
      'hunting-limits': { type: 'string', default: '20/1m' },
      windows: { type: 'string', default: 'sliding' },
      latency: { type: 'string', default: '0ms' },
      roles: { type: 'string', default: 'Machine.Read.All,SecurityAlert.Read.All,ThreatHunting.Read.All' },
      retired: { type: 'string' },
      'token-lifetime': { type: 'string', default: '1h' },
      'client-id': { type: 'string' },
      tenants: { type: 'string', default: '1' },
      'sign-in-certificate': { type: 'string' },
      'sign-in-key': { type: 'string' },
    },
  });
  const identityPort = values['identity-port'];
  const [certificate, key] = [values['sign-in-certificate'], values['sign-in-key']];
  return {
    port: parseCount('--port', values.port),
    ...(identityPort === undefined ? {} : { identityPort: parseCount('--identity-port', identityPort) }),
    seed: values.seed,
    machines: parseCount('--machines', values.machines, 1),
    alerts: parseCount('--alerts', values.alerts),
    limits: parseLimits('--limits', values.limits),
    graphLimits: parseLimits('--graph-limits', values['graph-limits']),
    huntingLimits: parseLimits('--hunting-limits', values['hunting-limits']),
    windows: parseWindowKind(values.windows),
    latency: parseLatency(values.latency),
    roles: values.roles.split(',').filter((role) => role !== ''),
    ...(values.retired === undefined ? {} : { retired: parseRetired(values.retired) }),
    tokenLifetimeSeconds: parseDuration('--token-lifetime', values['token-lifetime']) / 1000,
    ...(values['client-id'] === undefined ? {} : { userAssignedClientId: values['client-id'] }),
    // One of them is the home tenant.
    tenants: Array.from({ length: parseCount('--tenants', values.tenants, 1) - 1 }, () => ({})),
    ...(certificate === undefined || key === undefined
      ? {}
      : {
          signInService: {
            certificate: readFileSync(certificate, 'utf8'),
            key: readFileSync(key, 'utf8'),
          },
        }),
  };
}

/** A list of calls/window, for example `100/1m,1500/1h`. */
function parseLimits(option: string, text: string): RateLimit[] {
  return text.split(',').map((limit) => {
    const [calls = '', window, ...rest] = limit.trim().split('/');
    if (!/^[1-9]\d*$/.test(calls) || window === undefined || rest.length > 0) {
      throw new Error(`${option} has '${limit}': write calls/window, for example 100/1m,1500/1h.`);
    }
    return { calls: Number(calls), windowMs: parseDuration(option, window) };
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

function parseRetired(text: string): RetiredStatus {
  const status = retiredStatuses.find((candidate) => String(candidate) === text);
  if (status === undefined) {
    throw new Error(`--retired is '${text}': write ${retiredStatuses.join(', ')}.`);
  }
  return status;
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
