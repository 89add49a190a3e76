import type { HttpMethod } from '@azure/functions';

/** What the functions are registered with. */
export interface Registration {
  alertsQueue: string;
  /** Whether there may be customers' tenants beside the home tenant. */
  servesTenants: boolean;
  /** Undefined while the poller is off. */
  pollSchedule: string | undefined;
  authLevel: 'anonymous' | 'function';
}

const EACH_MINUTE = '0 * * * * *';

/**
 * Takes the few settings that registration needs as they stand. They are checked with all others when the app starts:
 * to load the checks before would take longer than everything else that the host waits for until it knows the functions.
 */
export function registrationFrom(environment: Record<string, string | undefined>): Registration {
  const servesTenants = Boolean(environment.DEFENDER_APP_ID);
  return {
    alertsQueue: environment.ALERTS_QUEUE || 'alerts',
    servesTenants,
    // One timer serves all tenants, each of which may have a schedule of its own.
    pollSchedule: servesTenants ? EACH_MINUTE : environment.ALERT_POLL_SCHEDULE || undefined,
    // App Service Authentication stands before the host, which then asks for no key.
    authLevel: environment.HTTP_AUTHORIZATION === 'entra' ? 'anonymous' : 'function',
  };
}

/** What the functions of this process are registered with. */
export const registration = registrationFrom(process.env);

/**
 * Every method that can reach a function: the Functions library cannot make a request of CONNECT and TRACE. Routes are
 * registered for all of them, so that a wrong one is told so in the same form as any other mistake.
 */
export const ALL_METHODS: HttpMethod[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
