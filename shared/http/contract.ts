import * as z from 'zod';
import { enrichmentSchema } from '../enrichment/enrichment.ts';
import { alertIdSchema } from '../intake/submission.ts';
import { storedEnrichmentSchema } from '../lookup/alertLookup.ts';

/** What the HTTP functions promise: the schemas of what they take and answer, from which `docs/openapi.json` is made. */

/** The front end of Azure Functions cuts a connection after 230 s. */
export const LONGEST_WAIT_SECONDS = 100;

/** How long a caller waits for final answers, in seconds; 0 does not wait. */
export const waitSchema = z
  .int()
  .min(0)
  .max(LONGEST_WAIT_SECONDS)
  .describe('How long the answer may be held until everything is final, in seconds.');

const time = z.iso.datetime();
const index = z.int().min(0).describe('Place in the order, from 0.');
const retryAfterSeconds = z.int().min(1).max(60).describe('When it is worth asking again, in seconds.');
const expectedAt = time
  .optional()
  .describe(
    'When it is final at the latest, if each alert takes one call, or by lists while these are made; absent when nobody can tell.',
  );

/** A part of an order that was not taken, with the reason. */
export const rejectedAlertSchema = z.strictObject({
  index,
  reason: z.string().describe('What is wrong, in a stable word.'),
  detail: z.string().describe('What is wrong and what is expected, for a person.'),
  alertId: alertIdSchema
    .optional()
    .describe('The alert ID, where that is sound and something else is wrong.'),
});

/** What became of one valid alert of an order. */
export const orderedAlertSchema = z.strictObject({
  index,
  alertId: alertIdSchema.describe('ID of the alert.'),
  submissionId: z.string().describe('Names the submission, in the enrichment message too.'),
  location: z.string().describe('Path at which the enrichment of the alert is found.'),
  status: z
    .enum(['final', 'pending', 'not_queued'])
    .describe('`not_queued` means that the storage service failed or was too slow; order that alert again.'),
  enrichment: enrichmentSchema
    .optional()
    .describe(
      'The enrichment as it is published, with its summary, or a newer one if the alert was looked up again in that moment; only with `wait`, when the status is final.',
    ),
});

/** The answer to an order. */
export const orderAnswerSchema = z.strictObject({
  submissions: z.array(orderedAlertSchema).describe('The alerts that are valid, in the order given.'),
  rejected: z.array(rejectedAlertSchema).describe('The parts of the order that are no valid alert.'),
  retryAfterSeconds: retryAfterSeconds.optional().describe('Present while something is not final.'),
  expectedAt,
});
export type OrderAnswer = z.infer<typeof orderAnswerSchema>;

const tenantId = z.guid().describe("ID of a customer's tenant; absent for the home tenant.");

/** The answer to a look-up of an alert that has no answer yet. */
export const pendingAlertSchema = z.strictObject({
  alertId: alertIdSchema.describe('ID of the alert.'),
  tenantId: tenantId.optional(),
  status: z.literal('pending'),
  deferral: z
    .strictObject({
      reason: z
        .string()
        .describe('In a word: `not_found`, `unavailable`, `unusable` or `forbidden`; others may come.'),
      detail: z.string().describe('What the source said, for a person.'),
    })
    .optional()
    .describe('Why the alert was put back, where the source was asked already and is asked again.'),
  retryAfterSeconds,
  expectedAt,
});
export type PendingAlert = z.infer<typeof pendingAlertSchema>;

/** The answer to a look-up of an alert that has one. */
export const alertEnrichmentSchema = storedEnrichmentSchema;

/** How much of one API's quota is left, and what holds calls up. */
const apiQuota = {
  windows: z
    .array(
      z.strictObject({
        limit: z.strictObject({
          calls: z.int().describe('Calls that the API allows.'),
          windowMs: z.int().describe('In so many milliseconds.'),
        }),
        permitted: z.int().describe('What the share of this app and the present rate leave of the limit.'),
        used: z.int().describe('Calls in the window that ends now, with those that are booked.'),
        remaining: z.int().describe('Calls that could be made now.'),
      }),
    )
    .describe('One for each limit.'),
  rate: z.number().min(0).max(1).describe('Share of the limits in use now, lowered by 429s.'),
  pausedUntil: time.nullable().describe('Set while a 429 keeps all calls back.'),
  circuit: z
    .strictObject({
      openSince: time.describe('Since when the API refuses the app.'),
      nextProbe: time.describe('When it is tried again.'),
      detail: z.string().describe('What was refused and what to do, for a person.'),
    })
    .nullable()
    .describe('Set while the API refuses the app as a whole.'),
};

/** How the quota stands. */
export const quotaAnswerSchema = z.strictObject({
  ...apiQuota,
  queued: z.int().min(0).describe('Messages in the input queue, about.'),
  drainedBy: time
    .nullable()
    .describe(
      'When all of them are looked up, if each takes one call, or by lists where `bulk` says so; null while the circuit is open.',
    ),
  bulk: z
    .literal(true)
    .optional()
    .describe('Set while many alerts are looked up at once by lists, and `drainedBy` counts on that.'),
  source: z
    .enum(['defender', 'graph'])
    .optional()
    .describe('The source that alerts are looked up in at present, and whose quota this is.'),
  hunting: z
    .strictObject(apiQuota)
    .optional()
    .describe('The quota of hunting queries, where Microsoft Graph is the source.'),
  tenantId: tenantId.optional(),
  tenants: z
    .strictObject({
      tightest: z
        .array(z.strictObject({ tenantId, name: z.string().optional(), ...apiQuota }))
        .describe('Those with the least part of their quota left, fewest first.'),
      others: z.int().min(0).describe('How many more customers are served.'),
    })
    .optional()
    .describe(
      "The quotas of customers' tenants, where there are any; as they were half a minute ago at most.",
    ),
});
export type QuotaAnswer = z.infer<typeof quotaAnswerSchema>;

/** Whether alerts can move. */
export const healthAnswerSchema = z.strictObject({
  status: z.enum(['healthy', 'unhealthy']).describe('Unhealthy when a check has failed: alerts cannot move.'),
  ready: z.boolean().describe('Whether each check is ok: an alert that comes now is enriched.'),
  checks: z.array(
    z.strictObject({
      name: z.string().describe('What was looked at.'),
      status: z
        .enum(['ok', 'warning', 'failed'])
        .describe('A `warning` stops no alert, or it is not known yet whether it does.'),
      detail: z.string().describe('How it is, or what is wrong, for a person.'),
    }),
  ),
  tenants: z
    .strictObject({
      served: z.int().min(0).describe('Customers that are served.'),
      unwell: z
        .array(z.strictObject({ tenantId: z.string(), name: z.string().optional(), detail: z.string() }))
        .describe('Customers whose alerts wait, or whose row is broken; the first of them.'),
      moreUnwell: z.int().min(0).describe('How many more of them there are.'),
    })
    .optional()
    .describe(
      "The customers' tenants, where there are any; as they were half a minute ago at most. What is wrong with one of them makes nothing unhealthy for the others.",
    ),
});

/** What every error looks like (RFC 9457). */
export const problemSchema = z.strictObject({
  type: z.string().describe('Names the kind of problem; stable.'),
  title: z.string().describe('The kind of problem, for a person.'),
  status: z.int().describe('The HTTP status.'),
  detail: z.string().describe('What is wrong this time and what to do, for a person.'),
  instance: z.string().describe("Names the occurrence by the host's invocation ID."),
  rejected: z.array(rejectedAlertSchema).optional().describe('What is wrong with each part of an order.'),
});
export type ProblemDocument = z.infer<typeof problemSchema>;
