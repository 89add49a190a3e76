import { onTestFinished } from 'vitest';
import type { SimulatorOptions } from '#dev/simulator/options.ts';
import { type RunningSimulator, startSimulator } from '#dev/simulator/simulator.ts';

export const AUDIENCE = 'https://api.securitycenter.microsoft.com';

/** A simulator that is closed when the test ends. */
export async function startForTest(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const simulator = await startSimulator({ machines: 60, alerts: 60, ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** Asks the identity endpoint for a token as an app in App Service would. */
export function requestToken(
  simulator: RunningSimulator,
  query: Record<string, string> = {},
  header = simulator.identityHeader,
): Promise<Response> {
  const parameters = new URLSearchParams({ resource: AUDIENCE, 'api-version': '2019-08-01', ...query });
  return fetch(`${simulator.identityEndpoint}?${parameters}`, { headers: { 'X-IDENTITY-HEADER': header } });
}

export async function tokenOf(
  simulator: RunningSimulator,
  query: Record<string, string> = {},
): Promise<string> {
  const { access_token: token } = (await (await requestToken(simulator, query)).json()) as {
    access_token: string;
  };
  return token;
}

/** One API call, with a fresh token unless one is given. */
export async function callApi(
  simulator: RunningSimulator,
  path: string,
  options: { token?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  const token = options.token ?? (await tokenOf(simulator));
  return fetch(`${simulator.apiUrl}${path}`, {
    headers: { Authorization: `Bearer ${token}`, ...options.headers },
    signal: options.signal ?? null,
  });
}

/** The first known alert's way to its machine. */
export function machinePath(simulator: RunningSimulator, index = 0): string {
  return `/api/alerts/${simulator.control.alertIds()[index]}/machine`;
}
