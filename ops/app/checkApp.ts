import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { parseJson } from '#shared/text.ts';
import { type Finding, note, ok, problem, unknown } from '../check/finding.ts';
import type { DeployedApp } from './deployedApp.ts';

/** How the app is asked. Times are in milliseconds. */
export interface CheckAppDeps {
  fetch: typeof fetch;
  /** How long an app that does not answer is asked again: a cold one starts meanwhile. */
  startMs: number;
  /** How long what the app has just begun to find out is waited for. */
  settleMs: number;
  /** Between two questions. */
  intervalMs: number;
  /** How long an alert may take to be looked up once. */
  alertMs: number;
}

/** Asks by the network, with times that a cold start fits into. */
export const CHECK_APP: CheckAppDeps = {
  fetch,
  startMs: 90_000,
  settleMs: 15_000,
  intervalMs: 2_000,
  alertMs: 45_000,
};

const LONGEST_REQUEST_MS = 30_000;

/** What the app that runs says of itself: whether an alert that comes now is enriched, and if not, what is missing. */
export async function checkApp(app: DeployedApp, deps: CheckAppDeps): Promise<Finding[]> {
  const startIsOver = Date.now() + deps.startMs;
  let settleIsOver: number | undefined;
  let failedBefore = '';
  for (;;) {
    const seen = await readHealth(app, deps);
    if (seen.kind === 'health') {
      settleIsOver ??= Date.now() + deps.settleMs;
      const failed = failedChecks(seen.health);
      // What has failed twice is no matter of moments.
      const isSettled = failed !== '' && failed === failedBefore;
      if (seen.health.ready || isSettled || Date.now() >= settleIsOver) {
        return [ok('app', `${app.url} answers`), ...findingsOf(seen.health)];
      }
      failedBefore = failed;
    } else if (seen.isFinal || Date.now() >= startIsOver) {
      return [problem('app', seen.detail, ...seen.advice)];
    }
    await delay(deps.intervalMs);
  }
}

// Of the answers no more than what is used, so that an app of another version is understood too.
const healthSchema = z.object({
  ready: z.boolean(),
  checks: z.array(z.object({ name: z.string(), status: z.string(), detail: z.string() })),
});
type Health = z.infer<typeof healthSchema>;
const orderSchema = z.object({
  submissions: z.array(z.object({ submissionId: z.string(), status: z.string() })),
});
const finalSchema = z.object({
  submissionId: z.string(),
  outcome: z.enum(['enriched', 'not_found', 'failed']),
  enrichedAt: z.string(),
  device: z.object({ id: z.string(), hostname: z.string().nullish() }).optional(),
  error: z.object({ message: z.string() }).optional(),
});
const pendingSchema = z.object({
  status: z.literal('pending'),
  deferral: z.object({ reason: z.string(), detail: z.string() }).optional(),
});

function failedChecks({ checks }: Health): string {
  return checks.flatMap(({ name, status }) => (status === 'failed' ? [name] : [])).join();
}

function findingsOf({ checks }: Health): Finding[] {
  return checks.map(({ name, status, detail }) => {
    switch (status) {
      case 'ok':
        return ok(name, detail);
      case 'failed':
        return problem(name, detail);
      default:
        return unknown(name, detail);
    }
  });
}

type HealthReading =
  | { kind: 'health'; health: Health }
  /** `isFinal` when asking again would bring the same. */
  | { kind: 'none'; detail: string; advice: string[]; isFinal: boolean };

async function readHealth(app: DeployedApp, deps: CheckAppDeps): Promise<HealthReading> {
  const none = (isFinal: boolean, detail: string, ...advice: string[]): HealthReading => ({
    kind: 'none',
    detail,
    advice,
    isFinal,
  });
  let answer: { status: number; body: unknown };
  try {
    answer = await ask(app, deps, '/api/health');
  } catch (error) {
    return none(
      false,
      `${app.url} does not answer: ${reasonOf(error)}`,
      'Is it started, and is its address open to you? "az functionapp show" says so; a closed address can be asked from its network.',
    );
  }
  const { success, data: health } = healthSchema.safeParse(answer.body);
  if (success) {
    return { kind: 'health', health };
  }
  switch (answer.status) {
    case 401:
    case 403:
      return none(
        true,
        `the app lets this caller not in (${answer.status})`,
        'With a function key: is it that of this app? With HTTP_AUTHORIZATION "entra": the client ID of the caller has to be in ALLOWED_CLIENT_IDS.',
      );
    case 404:
      return none(
        false,
        'the app has no function getHealth: no code is deployed, or it does not start',
        'Deploy it ("azd deploy"), or look into the log stream of the app: a wrong setting is named there.',
      );
    default:
      return none(
        false,
        `the app answers ${answer.status}, and not as this version does`,
        'If it is being deployed, wait. Otherwise look into its log stream; an older version has to be upgraded.',
      );
  }
}

/** Sends an alert the whole way: queue, trigger, quota, source, table. An ID that nobody has will do. */
export async function checkAlert(app: DeployedApp, alertId: string, deps: CheckAppDeps): Promise<Finding> {
  const isOver = Date.now() + deps.alertMs;
  try {
    const order = await ask(app, deps, '/api/enrichments', { alertId });
    const ordered = orderSchema.safeParse(order.body).data?.submissions[0];
    if (ordered === undefined || ordered.status === 'not_queued') {
      return problem(
        'alert',
        `the app did not take ${alertId} (${order.status}): ${problemDetail(order.body)}`,
      );
    }
    for (;;) {
      const { status, body } = await ask(app, deps, `/api/enrichments/${alertId}`);
      const final = finalSchema.safeParse(body).data;
      const pending = pendingSchema.safeParse(body).data;
      if (final !== undefined && (final.submissionId === ordered.submissionId || Date.now() >= isOver)) {
        return finalFinding(alertId, final, final.submissionId === ordered.submissionId);
      }
      if (pending?.deferral !== undefined) {
        return deferralFinding(alertId, pending.deferral);
      }
      if (Date.now() >= isOver) {
        return problem(
          'alert',
          `${alertId} was not looked up within ${deps.alertMs / 1_000} s (${status})`,
          'See the lines above: a circuit that is open, a pause, or a long queue. Otherwise the trigger does not run: see the log stream of the app.',
        );
      }
      await delay(deps.intervalMs);
    }
  } catch (error) {
    return problem('alert', `${app.url} does not answer: ${reasonOf(error)}`);
  }
}

function finalFinding(
  alertId: string,
  { outcome, device, error, enrichedAt }: z.infer<typeof finalSchema>,
  isNew: boolean,
): Finding {
  const detail = {
    enriched: `${alertId} is enriched: ${device?.hostname ?? device?.id}`,
    not_found: `the source was asked, and knows no alert ${alertId} or no device of it`,
    failed: `${alertId} failed: ${error?.message}`,
  }[outcome];
  if (!isNew) {
    return note('alert', `${detail}, at ${enrichedAt}; the answer is reused or the new look-up is under way`);
  }
  return outcome === 'failed' ? problem('alert', detail) : ok('alert', detail);
}

function deferralFinding(alertId: string, { reason, detail }: { reason: string; detail: string }): Finding {
  return reason === 'not_found'
    ? ok(
        'alert',
        `the source was asked, and knows no alert ${alertId} yet (${detail}); it is asked again, as of any young alert`,
      )
    : problem('alert', `${alertId} was put back: ${detail}`);
}

async function ask(
  { url, headers }: DeployedApp,
  deps: CheckAppDeps,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await deps.fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    // The key goes nowhere else.
    redirect: 'error',
    signal: AbortSignal.timeout(LONGEST_REQUEST_MS),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: parseJson(await response.text()) };
}

const problemDetailSchema = z.object({ detail: z.string() });

function problemDetail(body: unknown): string {
  return problemDetailSchema.safeParse(body).data?.detail ?? 'no reason given';
}

/** Errors of fetch hold the reason in their cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) {
    return String(cause);
  }
  return 'code' in cause ? `${cause.message || cause.name} (${cause.code})` : cause.message;
}
