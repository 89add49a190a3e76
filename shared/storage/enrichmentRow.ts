import * as z from 'zod';
import { FORMATS } from '../config/outputSettings.ts';
import { type Device, deviceSchema } from '../device/device.ts';
import { machineSchema } from '../device/machine.ts';
import type { StoredAnswer } from '../enrichment/answer.ts';
import { formatsSchema, outcomeSchema } from '../enrichment/enrichment.ts';
import type { AlertState, Claim } from '../pipeline/alertRecords.ts';
import { parseJson } from '../text.ts';
import { fromParts, toEndedParts, toParts } from './textParts.ts';

/** Version of the columns. An answer in a row of another version is not used: the alert is looked up anew. */
const ROW_VERSION = 1;

/** Stands for a time that is none: a write that merges cannot remove the column of an earlier one. */
const NO_TIME = new Date(0);

type Columns = Record<string, unknown>;

const claimSchema = z.object({
  claimedBy: z.string(),
  claimMessage: z.string(),
  claimKey: z.string().min(1),
  claimExpiresAt: z.date(),
});
/** They belong to the claim with this key: a later one does not remove them. */
const deferralSchema = z.object({
  deferredClaim: z.string(),
  deferredFor: z.string(),
  deferralDetail: z.string(),
});
const publishedSchema = z.array(z.string());
const namesSchema = z.array(z.string());
const answerSchema = z.object({
  rowVersion: z.literal(ROW_VERSION),
  outcome: outcomeSchema,
  submissionId: z.string(),
  sourceName: z.string(),
  /** A JSON list. */
  sourceUnavailable: z.string().optional(),
  sourceBulk: z.boolean().optional(),
  retrievedAt: z.date(),
  enrichedAt: z.date(),
  attempts: z.int(),
  errorCode: z.string().optional(),
  errorMessage: z.string().optional(),
});

/** How many submissions of one alert are remembered as published. */
const MOST_PUBLISHED = 500;

/** What a row says. Columns that are missing or not understood say nothing: the worst that follows is one more call. */
export function readAlertRow(row: Columns): AlertState {
  return {
    claim: readClaim(row),
    answer: readAnswer(row),
    published: publishedSchema.safeParse(parseJson(fromParts('published', row))).data ?? [],
  };
}

function readClaim(row: Columns): Claim | undefined {
  const claim = claimSchema.safeParse(row).data;
  if (claim === undefined) {
    return undefined;
  }
  const deferral = deferralSchema.safeParse(row).data;
  return {
    submissionId: claim.claimedBy,
    messageId: claim.claimMessage,
    key: claim.claimKey,
    expiresAt: claim.claimExpiresAt,
    ...(deferral?.deferredClaim === claim.claimKey && {
      deferral: { reason: deferral.deferredFor, detail: deferral.deferralDetail },
    }),
  };
}

function readAnswer(row: Columns): StoredAnswer | undefined {
  const columns = answerSchema.safeParse(row).data;
  if (columns === undefined) {
    return undefined;
  }
  const device = deviceSchema.safeParse(parseJson(fromParts('device', row))).data;
  const machine = machineSchema.safeParse(parseJson(fromParts('machine', row))).data;
  const isEnriched = columns.outcome === 'enriched';
  if (isEnriched && (device === undefined || machine === undefined)) {
    return undefined;
  }
  return {
    outcome: columns.outcome,
    submissionId: columns.submissionId,
    sourceName: columns.sourceName,
    retrievedAt: columns.retrievedAt.getTime() === NO_TIME.getTime() ? null : columns.retrievedAt,
    storedAt: columns.enrichedAt,
    attempts: columns.attempts,
    ...(isEnriched && {
      device,
      machine,
      ...readUnavailable(columns.sourceUnavailable),
      ...(columns.sourceBulk && { bulk: true as const }),
      ...readFormats(row),
    }),
    ...(columns.errorCode !== undefined && {
      error: { code: columns.errorCode, message: columns.errorMessage ?? '' },
    }),
  };
}

function readUnavailable(text: string | undefined): Pick<StoredAnswer, 'unavailable'> {
  const unavailable = namesSchema.safeParse(parseJson(text ?? '')).data;
  return unavailable === undefined || unavailable.length === 0 ? {} : { unavailable };
}

/** The columns of a claim. */
export function claimColumns({ submissionId, messageId, key, expiresAt, deferral }: Claim): Columns {
  return {
    claimedBy: submissionId,
    claimMessage: messageId,
    claimKey: key,
    claimExpiresAt: expiresAt,
    ...(deferral && {
      deferredClaim: key,
      deferredFor: deferral.reason,
      deferralDetail: deferral.detail.slice(0, 1_000),
    }),
  };
}

/** A claim without a key is none. */
export const NO_CLAIM_COLUMNS: Columns = {
  claimedBy: '',
  claimMessage: '',
  claimKey: '',
  claimExpiresAt: NO_TIME,
};

/** The columns of a final answer: flat ones to filter by, and device and machine as JSON. */
export function answerColumns(answer: StoredAnswer): Columns {
  return {
    rowVersion: ROW_VERSION,
    outcome: answer.outcome,
    submissionId: answer.submissionId,
    sourceName: answer.sourceName,
    // A write that merges keeps columns of before: an empty list ends that.
    sourceUnavailable: JSON.stringify(answer.unavailable ?? []),
    sourceBulk: answer.bulk ?? false,
    enrichedAt: answer.storedAt,
    attempts: answer.attempts,
    retrievedAt: answer.retrievedAt ?? NO_TIME,
    ...(answer.error !== undefined && {
      errorCode: answer.error.code,
      errorMessage: answer.error.message.slice(0, 4_000),
    }),
    ...(answer.device !== undefined && {
      ...deviceColumns(answer.device),
      ...toParts('device', JSON.stringify(answer.device)),
    }),
    ...(answer.machine !== undefined && toParts('machine', JSON.stringify(answer.machine))),
    ...formatColumns(answer),
  };
}

/** The columns of the submissions that are published; of many the last `MOST_PUBLISHED`. */
export function publishedColumns(published: readonly string[]): Columns {
  return toEndedParts('published', JSON.stringify(published.slice(-MOST_PUBLISHED)));
}

/** The columns by which a person filters the table; a property that is not known is no column. */
export function deviceColumns(device: Device): Record<string, string | number | boolean> {
  const columns = {
    deviceId: device.id,
    deviceName: device.hostname,
    deviceFqdn: device.fqdn,
    deviceType: device.type,
    osFamily: device.os.family,
    osPlatform: device.os.osPlatform,
    osVersion: device.os.version,
    riskLevel: device.risk.value,
    exposureLevel: device.exposure.value,
    deviceValue: device.deviceValue.value,
    healthStatus: device.health.value,
    onboardingStatus: device.onboarding.value,
    ip: device.ip,
    externalIp: device.externalIp?.ip ?? null,
    groupName: device.groupName,
    entraDeviceId: device.entraDeviceId,
    azureResourceId: device.cloud?.resourceId ?? null,
    deviceLastSeen: device.lastSeen,
    deviceSchemaVersion: device.schemaVersion,
  };
  return Object.fromEntries(
    Object.entries(columns).flatMap(([name, value]) => (value === null ? [] : [[name, truncated(value)]])),
  );
}

/** Names are chosen by users of devices and may be long; the whole of them is in the `device` column. */
function truncated<T>(value: T): T | string {
  return typeof value === 'string' ? value.slice(0, 1_000) : value;
}

/**
 * A row holds 1 MiB with two bytes a character, and the device must find room in it; the rest is left to the flat
 * columns. What exceeds this is far too long for a queue message, so that no message tells more than its row.
 */
const MOST_CHARACTERS = 450_000;

/** A column for each format, named after it, unless the row would become too long. */
export function formatColumns({ device, machine, formats = {} }: StoredAnswer): Record<string, string> {
  const columns = FORMATS.flatMap((format) => {
    const projection = formats[format];
    return projection === undefined ? [] : Object.entries(toParts(format, JSON.stringify(projection)));
  });
  const length = columns.reduce(
    (sum, [, text]) => sum + text.length,
    JSON.stringify([device, machine]).length,
  );
  return length > MOST_CHARACTERS ? {} : Object.fromEntries(columns);
}

/** The formats of a row as a part of its answer, which has none when they are not understood. */
export function readFormats(row: Readonly<Record<string, unknown>>): Pick<StoredAnswer, 'formats'> {
  const stored = FORMATS.map((format) => [format, parseJson(fromParts(format, row))] as const);
  const known = stored.filter(([, projection]) => projection !== undefined);
  const formats = known.length === 0 ? undefined : formatsSchema.safeParse(Object.fromEntries(known)).data;
  return formats === undefined ? {} : { formats };
}
