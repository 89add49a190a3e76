import * as z from 'zod';
import { sharedFieldsSchema } from '#shared/intake/alertRequest.ts';
import { MAX_ALERTS } from '#shared/intake/readPayload.ts';
import { alertIdSchema, submissionSchema } from '#shared/intake/submission.ts';

/** Playbooks write null or an empty text where they have no value. */
const blank = z.union([z.null(), z.literal('')]);
const fields = Object.fromEntries(
  Object.entries(sharedFieldsSchema.shape).map(([name, schema]) => [
    name,
    z.union([schema.unwrap(), blank]).optional().describe(descriptionOf(name)),
  ]),
);

const alertId = alertIdSchema.describe('ID of the alert.').meta({ id: 'AlertId' });

const absent = z.null().optional().describe('Only one of alertId and alertIds may be there.');

const alertObject = z
  .looseObject({ alertId, alertIds: absent, ...fields })
  .describe('One alert. Fields that are not known are ignored.')
  .meta({ id: 'AlertObject' });

const alertList = z
  .looseObject({
    alertIds: z.array(alertId).min(1).max(MAX_ALERTS).describe('IDs of the alerts.'),
    alertId: absent,
    ...fields,
  })
  .describe('A list of alerts; the other fields hold for each of them.')
  .meta({ id: 'AlertList' });

const defenderAlert = z
  .looseObject({ id: alertId })
  .describe('An alert as the Defender for Endpoint API gives it.')
  .meta({
    id: 'DefenderAlert',
    ...anyOfRequired('detectionSource', 'alertCreationTime', 'investigationState', 'threatFamilyName'),
  });

const defenderAlertPart = z
  .looseObject({
    id: z
      .string()
      .regex(/^[a-z]{2}[0-9]{18}_-?[0-9]+$|^[a-z]{2}[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(_-?[0-9]+)?$/i)
      .describe('ID of the alert, in a shape that Defender is known to give.'),
  })
  .describe('A part of an alert of Defender for Endpoint, known by the shape of its ID.')
  .meta({
    id: 'DefenderAlertPart',
    ...anyOfRequired('machineId', 'severity', 'status', 'title', 'incidentId', 'category'),
  });

const graphAlert = z
  .looseObject({
    id: alertId,
    '@odata.type': z.literal('#microsoft.graph.security.alert').optional().describe('What Graph says it is.'),
  })
  .describe('An alert of Microsoft Graph (alerts_v2).')
  .meta({ id: 'GraphAlert', ...anyOfRequired('@odata.type', 'serviceSource', 'providerAlertId') });

const huntingRow = z
  .looseObject({ AlertId: alertId, DeviceId: z.unknown().optional().describe('MDE device ID.') })
  .describe('A row of a hunting table; the names may have any case, and underscores.')
  .meta({ id: 'HuntingRow' });

const xdrAlert = z
  .looseObject({
    alertId,
    devices: z
      .array(z.looseObject({ mdatpDeviceId: z.unknown().optional().describe('MDE device ID.') }))
      .describe('Its devices.'),
  })
  .describe('An alert of Defender XDR.')
  .meta({ id: 'XdrAlert' });

const sentinelRow = z
  .looseObject({ VendorOriginalId: alertId })
  .describe('A row of the SecurityAlert table of Microsoft Sentinel.')
  .meta({ id: 'SentinelRow' });

const sentinelEntity = z
  .looseObject({
    properties: z
      .looseObject({ vendorOriginalId: alertId.optional(), providerAlertId: alertId.optional() })
      .describe('What the entity says.')
      .meta(anyOfRequired('vendorOriginalId', 'providerAlertId')),
  })
  .describe('A SecurityAlert entity of the API of Microsoft Sentinel.')
  .meta({ id: 'SentinelEntity' });

const alert = z
  .union([
    alertId,
    alertObject,
    xdrAlert,
    defenderAlert,
    defenderAlertPart,
    graphAlert,
    sentinelRow,
    sentinelEntity,
    huntingRow,
  ])
  .meta({ id: 'Alert' });

const specversion = z.literal('1.0').describe('Version of CloudEvents.');

const data = z
  .union([
    alert,
    alertList,
    z.array(alert).min(1).max(MAX_ALERTS),
    z.string().describe('Any of these forms as text, plain or base64.'),
  ])
  .describe('What the event carries.');

const event = z
  .union([
    z.looseObject({ specversion, data }),
    z.looseObject({ specversion, data_base64: z.string().min(1).describe('The same as base64.') }),
    z.looseObject({ eventType: z.string().describe('Type of an Event Grid event.'), data }),
  ])
  .describe('A CloudEvents 1.0 or Event Grid event; its id becomes the correlation ID of alerts without one.')
  .meta({ id: 'Event' });

const alerts = z.array(alert).min(1).describe('The alerts.');

const incident = z
  .union([
    z.looseObject({ alerts }),
    z.looseObject({
      object: z
        .looseObject({ properties: z.looseObject({ alerts }).describe('What the incident says.') })
        .describe('The incident of the trigger.'),
    }),
  ])
  .describe('An incident of Graph, Defender XDR or Sentinel with its alerts, or the body of its trigger.')
  .meta({ id: 'Incident' });

const record = z
  .looseObject({
    category: z.string().describe('Table of the record, such as AdvancedHunting-AlertInfo.'),
    properties: huntingRow,
  })
  .describe('A record of the streaming API.')
  .meta({ id: 'StreamingRecord' });

const answer = z
  .union([
    z.looseObject({
      value: z
        .array(z.union([alert, incident]))
        .min(1)
        .describe('The items of the list.'),
    }),
    z.looseObject({
      schema: z.array(z.unknown()).describe('The columns.'),
      results: z.array(huntingRow).min(1).describe('The rows.'),
    }),
    z.looseObject({ records: z.array(record).min(1).describe('The records.') }),
  ])
  .describe('The answer to a list query or a hunting query, or records of the streaming API.')
  .meta({ id: 'Answer' });

/** Everything that a producer may put into the alerts queue, as far as a schema can say it. */
export const inputSchema = z
  .union([
    alert,
    alertList,
    z
      .array(z.union([alert, event, record, incident]))
      .min(1)
      .max(MAX_ALERTS),
    event,
    incident,
    record,
    answer,
  ])
  .describe(
    'A message of the alerts queue, as JSON. A bare alert ID may also be sent as plain text, and every message as base64. ' +
      'Not said here: metadata has at most 16 KiB and 32 levels.',
  );

function descriptionOf(name: string): string {
  return z.record(z.string(), z.instanceof(z.ZodType)).parse(submissionSchema.shape)[name]?.description ?? '';
}

/** For `meta`: at least one of these properties is there. */
function anyOfRequired(...names: string[]) {
  return { anyOf: names.map((name) => ({ required: [name] })) };
}
