import * as z from 'zod';
import { type Result, success } from '../result.ts';
import type { JsonObject } from './jsonObject.ts';
import { quote } from './jsonText.ts';
import { type Fault, faulty } from './rejection.ts';
import { ALERT_ID_RULE, alertIdSchema, type Submission, submissionSchema } from './submission.ts';

const correlationIdSchema = z
  .union([submissionSchema.shape.correlationId.unwrap(), z.int()], {
    error: 'expected a text of at most 256 characters or a whole number below 2^53',
  })
  .transform(String);

const optionalFields = {
  correlationId: correlationIdSchema.optional(),
  machineId: submissionSchema.shape.machineId,
  tenantId: submissionSchema.shape.tenantId,
  metadata: submissionSchema.shape.metadata,
  refresh: submissionSchema.shape.refresh,
  // An alert with a malformed trace begins a new one: W3C Trace Context wants no request refused for that.
  traceparent: submissionSchema.shape.traceparent.catch(undefined),
  tracestate: submissionSchema.shape.tracestate.catch(undefined),
};

/** Playbooks write null or an empty text where they have no value. */
function withoutBlanks(value: JsonObject): JsonObject {
  const isBlank = (field: unknown) => field === undefined || field === null || field === '';
  return Object.fromEntries(Object.entries(value).filter(([, field]) => !isBlank(field)));
}

/** What a submitter may say about one alert, or about all alerts of a list. Fields not known are tolerated. */
export const sharedFieldsSchema = z.object(optionalFields);
export type SharedFields = z.infer<typeof sharedFieldsSchema>;

const alertRequestSchema = z.object({ alertId: z.string().trim().pipe(alertIdSchema), ...optionalFields });

/** One alert to enrich, as its sender describes it. Every form of input is turned into this one. */
export type AlertRequest = z.infer<typeof alertRequestSchema>;

/** An alert as a form found it: the fields of `AlertRequest`, not checked yet. */
export type AlertDraft = { alertId: unknown } & Record<string, unknown>;

/**
 * Checks one alert.
 * @param origin Where its ID was looked for, to a person: `the "id" of the MDE alert`.
 */
export function checkAlert(draft: AlertDraft, origin: string): Result<AlertRequest, Fault> {
  const parsed = alertRequestSchema.safeParse(withoutBlanks(draft));
  if (parsed.success) {
    return success(parsed.data);
  }
  if (parsed.error.issues.some((issue) => issue.path[0] === 'alertId')) {
    return faulty('bad-alert-id', `${origin} is ${quote(draft.alertId)}; ${ALERT_ID_RULE}`);
  }
  return faulty('bad-field', describeIssues(parsed.error), alertIdSchema.safeParse(draft.alertId).data);
}

/** What a recognizer says about an object of its form. */
export type Recognition =
  /** An alert; the draft is unchecked. `origin` says to a person where its ID was looked for. */
  | { kind: 'alert'; draft: AlertDraft; origin: string }
  /** It is known what this is, and no alert that the source could know. Both texts go into the dead letter. */
  | { kind: 'other'; what: string; send: string };

/** Undefined for an object of another form. */
export type Recognizer = (value: JsonObject) => Recognition | undefined;

/** Checks what is said about all alerts of a list. */
export function checkSharedFields(fields: JsonObject): Result<SharedFields, Fault> {
  const parsed = sharedFieldsSchema.safeParse(withoutBlanks(fields));
  return parsed.success ? success(parsed.data) : faulty('bad-field', describeIssues(parsed.error));
}

/** What a schema found wrong, to a person, each with the field's name. */
export function describeIssues(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'the value'}: ${issue.message}`).join('; ');
}

/** A submission at the beginning of its way. */
export function newSubmission(request: AlertRequest, submissionId: string, now: Date): Submission {
  return {
    ...request,
    submissionId,
    firstSeen: now.toISOString(),
    attempts: 0,
    notFoundAnswers: 0,
    deferrals: 0,
  };
}
