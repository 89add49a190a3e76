import * as z from 'zod';
import { describeIssues, type SharedFields } from '../alertRequest.ts';
import { decodeBase64, decodeBody } from '../decode.ts';
import { isJsonObject } from '../jsonText.ts';
import { type Faulty, faulty } from '../rejection.ts';
import { submissionSchema } from '../submission.ts';

/** An event's ID is a good reference, but no reason to refuse an alert. */
const eventId = submissionSchema.shape.correlationId.catch(undefined);

/** What is read of a CloudEvent (CloudEvents 1.0, JSON format). */
const cloudEventSchema = z.object({
  specversion: z.literal('1.0', { error: 'only CloudEvents 1.0 is known' }),
  id: eventId,
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
});

/** What is read of an event in the Event Grid schema. */
const eventGridEventSchema = z.object({ id: eventId, data: z.unknown().optional() });

/** An event, opened: what it carries, and what it says about that. */
export type OpenedEvent = { ok: true; content: unknown; shared: SharedFields };

/** Opens a CloudEvent or an Event Grid event; undefined for anything else. */
export function openEvent(value: unknown): OpenedEvent | Faulty | undefined {
  if (!isJsonObject(value)) {
    return undefined;
  }
  if (Object.hasOwn(value, 'specversion')) {
    return open(cloudEventSchema.safeParse(value));
  }
  if (Object.hasOwn(value, 'eventType') && Object.hasOwn(value, 'data')) {
    return open(eventGridEventSchema.safeParse(value));
  }
  return undefined;
}

function open(
  parsed: z.ZodSafeParseResult<{ id?: string | undefined; data?: unknown; data_base64?: string | undefined }>,
): OpenedEvent | Faulty {
  if (!parsed.success) {
    return faulty('bad-field', `the event cannot be read: ${describeIssues(parsed.error)}`);
  }
  const { id, data, data_base64 } = parsed.data;
  const decoded = data_base64 === undefined ? decodeBody(data) : decodeBase64(data_base64);
  return decoded.ok ? { ok: true, content: decoded.value, shared: id ? { correlationId: id } : {} } : decoded;
}
