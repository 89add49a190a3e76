import type { Delivery, MessageIdentity } from '../intake/queueMessage.ts';
import { readMessage } from '../intake/readMessage.ts';
import type { Rejection } from '../intake/rejection.ts';
import type { Submission } from '../intake/submission.ts';
import type { Log } from '../telemetry/log.ts';
import { enrichSubmission, type PipelineDeps, type Progress } from './enrichSubmission.ts';
import { submitAll } from './submitAll.ts';

/** What one message of the input queue tells the log. */
export type MessageEvent =
  | {
      event: 'submission';
      alertId: string;
      submissionId: string;
      correlationId?: string | undefined;
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
  | { event: 'rejected'; reason: string; detail: string; alertId?: string | undefined }
  /** A message with several alerts, each submitted on its own. */
  | { event: 'split'; submissions: number; rejections: number }
  /** An urgent submission could not be worked on at once: its message will be read from the queue. */
  | { event: 'urgent_failed'; alertId: string; submissionId: string; detail: string };

/**
 * Handles one message of the input queue: a single alert is taken through the pipeline; several become submissions of
 * their own; what is no alert is buried with the reason.
 * @throws When our own storage fails: the message is delivered again.
 */
export async function receiveMessage(
  message: { body: unknown; delivery: Delivery },
  deps: PipelineDeps,
  log: Log<MessageEvent>,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = deps.now();
  const { submissions, rejections, identity } = readMessage(message.body, message.delivery, startedAt);
  for (const rejection of rejections) {
    await bury(rejection, startedAt, deps, log);
  }

  const [only, ...others] = submissions;
  if (only === undefined) {
    return;
  }
  if (others.length > 0) {
    // Their IDs follow from the message's: when a crash makes this happen twice, the copies are known as such.
    const { error } = await submitAll(submissions, (submission) => deps.outbox.submit(submission, 0));
    if (error !== undefined) {
      throw error;
    }
    log({ event: 'split', submissions: submissions.length, rejections: rejections.length });
    return;
  }
  await receiveSubmission(only, identity, deps, log, signal);
}

/**
 * Takes a submission through the pipeline for the message that carries it, or buries it where that is no use.
 * @throws When our own storage fails.
 */
export async function receiveSubmission(
  submission: Submission,
  identity: MessageIdentity,
  deps: PipelineDeps,
  log: Log<MessageEvent>,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = deps.now();
  const foreign = foreignTenant(submission, await deps.homeTenant());
  if (foreign !== undefined) {
    const { alertId } = submission;
    await bury({ ...foreign, alertId, original: alertId }, startedAt, deps, log, submission);
    return;
  }
  const progress = await enrichSubmission(submission, identity, deps, signal);
  log(progressEvent(submission, progress, startedAt, deps.now()));
}

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
): MessageEvent {
  const { alertId, submissionId, correlationId, firstSeen, deferrals } = submission;
  const common = {
    event: 'submission' as const,
    alertId,
    submissionId,
    correlationId,
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

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An alert of another tenant is not known to the API here: a look-up would cost calls and end as not found. */
function foreignTenant(
  { tenantId = '' }: Submission,
  homeTenant = '',
): { reason: 'other-tenant'; detail: string } | undefined {
  const areBothKnown = GUID.test(tenantId) && GUID.test(homeTenant);
  if (!areBothKnown || tenantId.toLowerCase() === homeTenant.toLowerCase()) {
    return undefined;
  }
  return {
    reason: 'other-tenant',
    detail: `The alert belongs to the tenant ${tenantId}, and this deployment serves ${homeTenant}. Send it to the deployment of its tenant.`,
  };
}

async function bury(
  {
    reason,
    detail,
    alertId,
    original,
  }: Omit<Rejection, 'reason'> & { reason: Rejection['reason'] | 'other-tenant' },
  now: Date,
  { outbox }: PipelineDeps,
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
  log({ event: 'rejected', reason, detail, alertId });
}
