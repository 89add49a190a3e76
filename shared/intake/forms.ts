import * as z from 'zod';
import type { AlertDraft, Recognition, Recognizer } from './alertRequest.ts';
import { bare, fieldsOf, isJsonObject, type JsonObject, listOf, textIn } from './jsonObject.ts';
import { otherProduct, otherThing } from './notAlerts.ts';
import { machineIdSchema, submissionSchema } from './submission.ts';

/**
 * The forms in which one alert may come as a JSON object. To add one: an entry in `FORMS`, most specific first, and a
 * fixture of its name under test/fixtures/messages.
 */

/**
 * Shapes of alert IDs that Defender has been seen to give: a prefix of two letters or none before 18 digits or a GUID,
 * and a number behind. Strong evidence that an object is an alert.
 */
const KNOWN_ID =
  /^(?:[a-z]{2})?(?:\d{18}_-?\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}_-?\d+)$|^[a-z]{2}[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a value looks like an alert ID of Defender, not merely like something that passes the gate. */
export function isKnownAlertId(value: unknown): boolean {
  return typeof value === 'string' && KNOWN_ID.test(value.trim());
}

const hint = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);
const machineHint = hint(machineIdSchema);
const tenantHint = submissionSchema.shape.tenantId.catch(undefined);

/** The first sound device ID of several places; an alert's hint that is not sound is passed over. */
function machineIdIn(...candidates: unknown[]): string | undefined {
  return candidates.map((candidate) => machineHint.parse(candidate)).find((id) => id !== undefined);
}

/** Defender XDR (`/api/incidents`): the alert with its devices. */
const xdrAlert: Recognizer = (value) => {
  const isXdr = ['devices', 'incidentId', 'serviceSource', 'entities'].some((name) =>
    Object.hasOwn(value, name),
  );
  if (!Object.hasOwn(value, 'alertId') || !isXdr) {
    return undefined;
  }
  const devices = listOf(value.devices);
  return (
    otherProduct(value.serviceSource) ?? {
      kind: 'alert',
      origin: '"alertId" of the XDR alert',
      draft: {
        alertId: value.alertId,
        machineId: machineIdIn(...devices.map(({ mdatpDeviceId }) => mdatpDeviceId)) ?? value.machineId,
        tenantId: value.tenantId,
        correlationId: value.correlationId ?? value.incidentId,
        metadata: value.metadata,
        refresh: value.refresh,
      },
    }
  );
};

/** `{"alertId": ..., "correlationId"?, "machineId"?, "tenantId"?, "metadata"?, "refresh"?}`: the form of our own. */
const alertObject: Recognizer = (value) =>
  Object.hasOwn(value, 'alertId')
    ? { kind: 'alert', origin: '"alertId"', draft: value as AlertDraft }
    : undefined;

/** A row of a hunting table, and what programs make of one: `AlertId` and `DeviceId` in any spelling. */
const huntingRow: Recognizer = (value) => {
  const field = fieldsOf(value);
  if (!field.has('alertid')) {
    return undefined;
  }
  return (
    otherProduct(field.get('servicesource'), field.get('detectionsource')) ?? {
      kind: 'alert',
      origin: `"${nameOf(value, 'alertid')}" of the row`,
      draft: {
        alertId: field.get('alertid'),
        machineId: machineIdIn(field.get('deviceid'), field.get('machineid')),
        tenantId: tenantHint.parse(field.get('tenantid')),
        correlationId: field.get('correlationid'),
      },
    }
  );
};

function nameOf(value: JsonObject, name: string): string {
  return Object.keys(value).find((key) => bare(key) === name) ?? name;
}

/** A portal's address of an alert: `https://security.microsoft.com/alerts/da637...`. */
const ALERT_LINK = /\/alerts?\/([A-Za-z0-9][A-Za-z0-9_-]{0,127})(?=[/?#]|$)/;

/**
 * A Sentinel alert: a row of the SecurityAlert table, the body of the alert trigger, or the SecurityAlert entity of
 * Sentinel's API, which has the same under `properties` in camel case. They keep the alert ID of the product that raised
 * the alert beside the one that Sentinel gave it, which no product knows. The row's TenantId is the workspace's.
 */
const sentinelAlert: Recognizer = (value) => {
  const fields = isJsonObject(value.properties) ? value.properties : value;
  const field = fieldsOf(fields);
  if (!['vendororiginalid', 'systemalertid', 'provideralertid'].some((name) => field.has(name))) {
    return undefined;
  }
  // Graph's alert has a providerAlertId too, beside an ID of its own.
  if (fields === value && Object.hasOwn(value, 'id')) {
    return undefined;
  }
  const systemAlertId = field.get('systemalertid');
  const [, linked] = ALERT_LINK.exec(textIn(field.get('alertlink'))) ?? [];
  const candidates = [field.get('vendororiginalid'), field.get('provideralertid'), linked].filter(
    (id) => id !== undefined && id !== null && id !== '' && id !== systemAlertId,
  );
  return (
    otherProduct(field.get('productname'), field.get('providername')) ?? {
      kind: 'alert',
      origin: 'the VendorOriginalId (in the API also providerAlertId) of the Sentinel alert',
      draft: { alertId: candidates.find(isKnownAlertId) ?? candidates[0] },
    }
  );
};

/** What is read of a device in a Graph alert's evidence. Other kinds of evidence name a device too, but not as its own. */
const evidenceDeviceSchema = z.object({
  '@odata.type': z.literal('#microsoft.graph.security.deviceEvidence').optional(),
  mdeDeviceId: machineIdSchema,
  detailedRoles: z.array(z.unknown()).catch([]),
});

/** A Graph alert (`GET /v1.0/security/alerts_v2/{id}`). */
const graphAlert: Recognizer = (value) => {
  if (!isGraphAlert(value)) {
    return undefined;
  }
  const devices = listOf(value.evidence).flatMap((item) => evidenceDeviceSchema.safeParse(item).data ?? []);
  // The service writes "PrimaryDevice", its documentation "Main device".
  const primary = devices.find(({ detailedRoles }) =>
    detailedRoles.some((role) => role === 'PrimaryDevice' || role === 'Main device'),
  );
  return (
    otherProduct(value.serviceSource) ?? {
      kind: 'alert',
      origin: 'the "id" of the Graph alert',
      draft: {
        alertId: value.id ?? value.providerAlertId,
        machineId: (primary ?? devices[0])?.mdeDeviceId,
        tenantId: tenantHint.parse(value.tenantId),
        correlationId: hint(submissionSchema.shape.correlationId.unwrap()).parse(value.incidentId),
      },
    }
  );
};

function isGraphAlert(value: JsonObject): boolean {
  if (value['@odata.type'] !== undefined) {
    return value['@odata.type'] === '#microsoft.graph.security.alert';
  }
  if (Object.hasOwn(value, 'serviceSource') || Object.hasOwn(value, 'providerAlertId')) {
    return true;
  }
  // MDE alerts have evidence as well, but without these fields.
  const isGraphEvidence = (item: JsonObject) =>
    Object.hasOwn(item, '@odata.type') || Object.hasOwn(item, 'mdeDeviceId');
  return Object.hasOwn(value, 'id') && listOf(value.evidence).some(isGraphEvidence);
}

/** Fields that only an alert of MDE has, in lower case. */
const MDE_ALERT_FIELDS = ['detectionsource', 'alertcreationtime', 'investigationstate', 'threatfamilyname'];
/** Fields that it shares with others, so they count beside an ID of a known shape only. */
const SHARED_FIELDS = ['machineid', 'severity', 'status', 'title', 'incidentid', 'category'];

/**
 * An alert of Defender for Endpoint (`GET /api/alerts/{id}`), whole or as far as a step of a playbook hands it on; some
 * programs write its names with capitals.
 */
const defenderAlert: Recognizer = (value) => {
  const field = fieldsOf(value);
  const has = (name: string) => field.has(name);
  const id = field.get('id');
  const isAlert = MDE_ALERT_FIELDS.some(has) || (isKnownAlertId(id) && SHARED_FIELDS.some(has));
  if (!has('id') || !isAlert) {
    return undefined;
  }
  return {
    kind: 'alert',
    origin: 'the "id" of the MDE alert',
    draft: {
      alertId: id,
      machineId: machineIdIn(field.get('machineid')),
      tenantId: tenantHint.parse(field.get('aadtenantid')),
    },
  };
};

/** All forms, most specific first. */
const FORMS: readonly Recognizer[] = [
  xdrAlert,
  alertObject,
  sentinelAlert,
  graphAlert,
  defenderAlert,
  huntingRow,
  otherThing,
];

/** What an object is; undefined when it has none of the known forms. */
export function recognize(value: JsonObject): Recognition | undefined {
  for (const form of FORMS) {
    const recognition = form(value);
    if (recognition !== undefined) {
      return recognition;
    }
  }
  return undefined;
}
