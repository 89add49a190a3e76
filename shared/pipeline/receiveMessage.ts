import type { Delivery, MessageIdentity } from '../intake/queueMessage.ts';
import { type Intake, readMessage } from '../intake/readMessage.ts';
import type { Rejection } from '../intake/rejection.ts';
import type { Submission } from '../intake/submission.ts';
import type { Log } from '../telemetry/log.ts';
import { type Span, span } from '../telemetry/telemetry.ts';
import type { TenantRouter } from '../tenants/tenantRouter.ts';
import type { Bulkhead } from './bulkhead.ts';
import { deferForPlace, deferForStorage, deferForTenant } from './decision.ts';
import { enrichSubmission, type PipelineDeps, type Progress, putBack } from './enrichSubmission.ts';
import type { Outbox } from './outbox.ts';
import { submitAll } from './submitAll.ts';

/** What one message of the input queue tells the log. */
export type MessageEvent =
  | {
      event: 'submission';
      alertId: string;
      submissionId: string;
      correlationId?: string | undefined;
      /** Absent for the home tenant. */
      tenantId?: string;
      /** `enriched`, `not_found`, `failed`, `deferred` or `repeated`. */
      result: string;
      attempts: number;
      deferrals: number;
      /** Time this delivery took, in milliseconds. */
      durationMs: number;
      /** Time since the submission was first seen, in milliseconds. */
      ageMs: number;
      reused?: boolean;
      deviceId?: string | undefined;
      /** Why it was put back, or the code of the error. */
      reason?: string | undefined;
      delayMs?: number;
      detail?: string | undefined;
    }
  /** A part of a message that was no alert. */
  | {
      event: 'rejected';
      reason: string;
      detail: string;
      alertId?: string | undefined;
      /** As the alert names it. */
      tenantId?: string;
    }
  /** A message with several alerts, each submitted on its own. */
  | { event: 'split'; submissions: number; rejections: number }
  /** An urgent submission could not be worked on at once: its message will be read from the queue. */
  | { event: 'urgent_failed'; alertId: string; submissionId: string; detail: string };

/** The pipeline of one tenant. */
export interface TenantPipeline {
  /** Undefined for the home tenant. */
  tenant: { id: string } | undefined;
  pipeline: PipelineDeps;
}

/** What the messages of all tenants go through, which share one queue. */
export interface ReceiverDeps<Scope extends TenantPipeline> {
  home: Scope;
  /** @throws When the storage service cannot be used. */
  route: TenantRouter<Scope>['route'];
  /** Undefined where there is one tenant. */
  bulkhead?: Bulkhead | undefined;
}

/**
 * Handles one message of the input queue: a single alert is taken through the pipeline of its tenant; several become
 * submissions of their own; what is no alert is buried with the reason.
 * @returns The parts of the alert's tenant; those of the home tenant when the message holds no alert, several, or one of an
 * unknown tenant.
 * @throws When our own storage fails: the message is delivered again.
 */
export async function receiveMessage<Scope extends TenantPipeline>(
  message: { body: unknown; delivery: Delivery },
  deps: ReceiverDeps<Scope>,
  log: Log<MessageEvent>,
  signal: AbortSignal,
): Promise<Scope> {
  const startedAt = deps.home.pipeline.now();
  const intake = readMessage(message.body, message.delivery, startedAt);
  const { submissions, identity } = intake;
  // Several alerts are not one delivery of one submission: each goes on by itself.
  const only = submissions.length === 1 ? submissions[0] : undefined;
  return processing(identity, only, (process) => handle(intake, startedAt, deps, log, signal, process));
}

/**
 * Runs the work on one message as a span of its trace.
 * @param submission The one that the message carries; undefined where it carries none, or several.
 */
export function processing<Result>(
  { messageId }: MessageIdentity,
  submission: Submission | undefined,
  work: (process: Span) => Promise<Result>,
): Promise<Result> {
  const attributes = {
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.message.id': messageId,
    'messaging.message.conversation_id': submission?.correlationId,
    'alert_enrichment.alert.id': submission?.alertId,
    'alert_enrichment.submission.id': submission?.submissionId,
    'alert_enrichment.tenant.id': submission?.tenantId,
    'alert_enrichment.deferrals': submission?.deferrals,
  };
  return span('process', { attributes, parent: submission }, work);
}

async function handle<Scope extends TenantPipeline>(
  { submissions, rejections, identity }: Intake,
  startedAt: Date,
  deps: ReceiverDeps<Scope>,
  log: Log<MessageEvent>,
  signal: AbortSignal,
  process: Span,
): Promise<Scope> {
  const { home } = deps;
  const { outbox, now } = home.pipeline;
  for (const rejection of rejections) {
    await bury(rejection, startedAt, outbox, log);
  }

  const [only, ...others] = submissions;
  if (only === undefined) {
    return home;
  }
  if (others.length > 0) {
    // Their IDs follow from the message's: when a crash makes this happen twice, the copies are known as such.
    const { error } = await submitAll(submissions, (submission) => outbox.submit(submission, 0));
    if (error !== undefined) {
      throw error;
    }
    log({ event: 'split', submissions: submissions.length, rejections: rejections.length });
    return home;
  }
  // One that comes without a trace begins it here, and its next delivery goes on with it.
  const traced = only.traceparent === undefined ? { ...only, ...process.context } : only;
  const route = await routeOf(traced, deps);
  if (route.kind === 'refused') {
    await bury({ ...route, alertId: only.alertId, original: only.alertId }, startedAt, outbox, log, only);
    return home;
  }
  const scope = route.kind === 'served' ? route.scope : home;
  const progress =
    route.kind === 'served'
      ? await inPlace(traced, identity, scope, deps.bulkhead, signal)
      : await putBack(route.deferral, home.pipeline, identity.claimKey);
  describeProgress(process, progress);
  log(progressEvent(only, progress, startedAt, now(), scope.tenant?.id));
  return scope;
}

/** Sets on a span how far a delivery brought its submission. */
export function describeProgress(process: Span, progress: Progress): void {
  process.set({ 'alert_enrichment.result': progress.kind === 'final' ? progress.outcome : progress.kind });
  if (progress.kind === 'final' && progress.outcome === 'failed') {
    process.fail(progress.error?.code ?? 'failed');
  }
}

/** Where the tenants cannot be read, the alert waits for them as it waits for any part of our storage. */
async function routeOf<Scope extends TenantPipeline>(submission: Submission, deps: ReceiverDeps<Scope>) {
  const { rules, random, storageFault } = deps.home.pipeline;
  try {
    const route = await deps.route(submission.tenantId);
    return route.kind === 'unclear'
      ? { kind: 'deferred' as const, deferral: deferForTenant(submission, route.detail, rules, random) }
      : route;
  } catch (error) {
    const fault = storageFault(error);
    if (fault === undefined) {
      throw error;
    }
    return { kind: 'deferred' as const, deferral: deferForStorage(submission, fault, rules, random) };
  }
}

/** Takes the submission on its way if the tenant may have one more of the workers. */
async function inPlace(
  submission: Submission,
  identity: MessageIdentity,
  { tenant, pipeline }: TenantPipeline,
  bulkhead: Bulkhead | undefined,
  signal: AbortSignal,
): Promise<Progress> {
  if (bulkhead === undefined) {
    return enrichSubmission(submission, identity, pipeline, signal);
  }
  const leave = bulkhead.enter(tenant?.id ?? 'home');
  if (leave === undefined) {
    return putBack(deferForPlace(submission, pipeline.rules, pipeline.random), pipeline, identity.claimKey);
  }
  try {
    return await enrichSubmission(submission, identity, pipeline, signal);
  } finally {
    leave();
  }
}

/** How far a delivery brought its submission, as an event of the log. */
export function progressEvent(
  submission: {
    alertId: string;
    submissionId: string;
    correlationId?: string | undefined;
    firstSeen: string;
    deferrals: number;
    attempts: number;
  },
  progress: Progress,
  startedAt: Date,
  endedAt: Date,
  tenantId?: string,
): MessageEvent {
  const { alertId, submissionId, correlationId, firstSeen, deferrals } = submission;
  const common = {
    event: 'submission' as const,
    alertId,
    submissionId,
    correlationId,
    ...(tenantId !== undefined && { tenantId }),
    deferrals,
    durationMs: endedAt.getTime() - startedAt.getTime(),
    ageMs: endedAt.getTime() - new Date(firstSeen).getTime(),
  };
  switch (progress.kind) {
    case 'final':
      return {
        ...common,
        result: progress.outcome,
        attempts: progress.attempts,
        reused: progress.reused,
        deviceId: progress.device,
        reason: progress.error?.code,
        detail: progress.error?.message,
      };
    case 'deferred':
      return {
        ...common,
        result: 'deferred',
        attempts: progress.attempts,
        reason: progress.reason,
        delayMs: Math.round(progress.delayMs),
        detail: progress.detail,
      };
    case 'repeated':
      return { ...common, result: 'repeated', attempts: submission.attempts };
  }
}

async function bury(
  {
    reason,
    detail,
    alertId,
    original,
  }: Omit<Rejection, 'reason'> & { reason: Rejection['reason'] | 'unknown-tenant' | 'other-tenant' },
  now: Date,
  outbox: Outbox,
  log: Log<MessageEvent>,
  submission?: Submission,
) {
  const time = now.toISOString();
  await outbox.bury({
    reason,
    detail,
    ...(submission !== undefined && { submission }),
    original,
    attempts: submission?.attempts ?? 0,
    firstSeen: submission?.firstSeen ?? time,
    deadAt: time,
  });
  const tenantId = submission?.tenantId;
  log({ event: 'rejected', reason, detail, alertId, ...(tenantId !== undefined && { tenantId }) });
}
