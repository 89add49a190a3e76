import type { FaultRates } from '#dev/simulator/faults.ts';
import type { SignInState } from '#dev/simulator/permissions.ts';
import type { RateLimit } from '#shared/config/rateLimits.ts';

/** One tenant of a run. The first is the home tenant. */
export interface TenantLoad {
  name: string;
  /** In the queue when the hosts start, mixed with those of the others. */
  backlog: number;
  /** Handed in one at a time while the backlog drains, from so long after the hosts' start. */
  trickle?: { alerts: number; everyMs: number; afterMs: number };
  signIn?: SignInState;
  faults?: FaultRates;
}

/** One run: so many hosts, and what each tenant brings. */
export interface TenantsScenario {
  name: string;
  hosts: number;
  /** Those of every tenant. */
  limits: readonly RateLimit[];
  tenants: readonly TenantLoad[];
  timeLimitMs: number;
}

/** Scaled down, so that the largest backlog drains in about five minutes and a half. */
const LIMITS: readonly RateLimit[] = [
  { calls: 30, windowMs: 15_000 },
  { calls: 110, windowMs: 60_000 },
];
const TIME_LIMIT_MS = 480_000;

const serving: readonly TenantLoad[] = [600, 450, 350, 300, 300].map((backlog, index) => ({
  name: index === 0 ? 'home' : `customer ${index}`,
  backlog,
}));
const failing: readonly TenantLoad[] = [
  { name: 'no consent', backlog: 200, signIn: 'no-consent' },
  { name: 'always 503', backlog: 200, faults: { 'http-503': 1 } },
];

const idleHome: TenantLoad = { name: 'home', backlog: 0 };
const backlog: TenantLoad = { name: 'backlog', backlog: 5_000 };
const trickling = (afterMs: number): TenantLoad => ({
  name: 'new alerts',
  backlog: 0,
  trickle: { alerts: 20, everyMs: 2_000, afterMs },
});

export const scenarios: readonly TenantsScenario[] = [
  { name: 'five tenants', hosts: 4, limits: LIMITS, tenants: serving, timeLimitMs: TIME_LIMIT_MS },
  {
    name: 'and two that fail',
    hosts: 4,
    limits: LIMITS,
    tenants: [...serving, ...failing],
    timeLimitMs: TIME_LIMIT_MS,
  },
  {
    name: 'new alerts, alone',
    hosts: 2,
    limits: LIMITS,
    tenants: [idleHome, trickling(0)],
    timeLimitMs: TIME_LIMIT_MS,
  },
  {
    name: 'new alerts behind a backlog that nobody has looked at',
    hosts: 2,
    limits: LIMITS,
    tenants: [idleHome, backlog, trickling(0)],
    timeLimitMs: TIME_LIMIT_MS,
  },
  {
    name: 'new alerts beside a backlog that waits for quota',
    hosts: 2,
    limits: LIMITS,
    tenants: [idleHome, backlog, trickling(120_000)],
    timeLimitMs: TIME_LIMIT_MS,
  },
];
