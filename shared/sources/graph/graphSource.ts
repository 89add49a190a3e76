import { isAlertId } from '../../intake/submission.ts';
import type { CallGate, CallRequest } from '../../quota/callGate.ts';
import { type AccessTokens, readTokenClaims } from '../accessToken.ts';
import type { AlertIndex } from '../alertIndex.ts';
import { type BatchAnswer, createBatch } from '../batch.ts';
import { createCrowd } from '../crowd.ts';
import { createLookUp, type LookUpApi, type LookUpDeps, type LookUpFailure } from '../lookUp.ts';
import {
  type AlertReference,
  endOfWaiting,
  isFresh,
  type Kept,
  placeOf,
  type Source,
  type SourceAnswer,
} from '../source.ts';
import { createSpareDevices } from '../spareDevices.ts';
import { type DeviceEvidence, deviceEvidenceSchema } from './deviceEvidence.ts';
import type { GraphClient } from './graphClient.ts';
import { ALERT_LOOK_UPS, HUNTING_LOOK_UPS } from './graphLookUps.ts';
import { graphMachine } from './graphMachine.ts';
import type { AlertReply } from './graphReply.ts';
import { alertsQuery, devicesQuery, type HuntingRequest } from './huntingQuery.ts';
import type { HuntingRow } from './huntingRow.ts';
import { unavailableProperties } from './machineFields.ts';

/**
 * Keeps what one call brought where all processes find it, so that no second call is made for it. Reading returns
 * undefined for what is not kept or not understood. Writing and removing never fail: the worst is one more call.
 */
export interface PartStore {
  /** The device of an alert whose look-up has to wait for hunting. */
  readEvidence(alertId: string): Promise<Kept<DeviceEvidence> | undefined>;
  writeEvidence(alertId: string, kept: Kept<DeviceEvidence>): Promise<void>;
  removeEvidence(alertId: string): Promise<void>;
  /** What hunting knows of a device; null for a device that it does not know. */
  readDevice(deviceId: string): Promise<Kept<HuntingRow | null> | undefined>;
  writeDevice(deviceId: string, kept: Kept<HuntingRow | null>): Promise<void>;
  /** The IDs of the devices that were kept since then. */
  deviceIdsSince(time: Date): Promise<string[]>;
}

export interface GraphSourceDeps {
  client: Pick<GraphClient, 'alert' | 'hunt'>;
  tokens: AccessTokens;
  /** One for each of the two APIs: their limits are apart. */
  gates: { alerts: CallGate; hunting: CallGate };
  parts: PartStore;
  /** Lists of alerts, for many at once; undefined where each alert takes its own call. */
  index?: AlertIndex | undefined;
  /** How long what hunting said of a device serves other alerts of it, in milliseconds. */
  reuseForMs: number;
  now: () => Date;
  random: LookUpDeps['random'];
  retryBaseDelayMs: number;
}

/** Most IDs of one query, about 9 KB of text; the service documents no limit for the text of a query. */
export const MOST_IDS = 100;
/** Shortest time between two renewals of a token without one of the roles (ms), which may be granted meanwhile. */
const RENEW_FOR_ROLES_MS = 10 * 60_000;

/**
 * Microsoft Graph as a source: the alert with its main device (`alerts_v2/{id}`), then hunting for what the evidence
 * does not have, which is kept for each device. One of the two roles is enough; `unavailable` says what is missing.
 */
export function createGraphSource(deps: GraphSourceDeps): Source {
  const { client, tokens, gates, parts, index, reuseForMs, now, random, retryBaseDelayMs } = deps;
  const crowd = createCrowd(now);
  const common = { tokens, random, retryBaseDelayMs };
  const lookUpAlert = createLookUp(ALERT_LOOK_UPS, { ...common, gate: gates.alerts });
  const lookUpHunting = createLookUp(HUNTING_LOOK_UPS, { ...common, gate: gates.hunting });
  const hunting = (queryFor: (ids: readonly string[]) => HuntingRequest) => ({
    subject: 'hunting',
    mostIds: MOST_IDS,
    gathers: () => index !== undefined && crowd.isMany(),
    lookUp: lookUpHunting,
    call: (ids: readonly string[], token: string, signal: AbortSignal) =>
      client.hunt(queryFor(ids), token, signal),
    // Every ID has a row: without one the answer is broken, and does not say that there is nothing to know.
    missing: (id: string): LookUpFailure => ({
      kind: 'unusable',
      detail: `hunting answered without a row for ${id}`,
    }),
  });
  const spare =
    index &&
    createSpareDevices({
      deviceIds: () => [...index.deviceIds()].filter(isAlertId),
      keptSince: parts.deviceIdsSince,
      reuseForMs,
      now,
      random,
    });
  const devices = createBatch<HuntingRow>({
    ...hunting(devicesQuery),
    ...(spare && { more: spare }),
    keep: (deviceId, row) => parts.writeDevice(deviceId, { part: deviceIn(row), retrievedAt: now() }),
  });
  const alerts = createBatch<HuntingRow>(hunting(alertsQuery));
  let renewedAt = now().getTime();

  /** The roles of the token. Without one, or with one that cannot be read, both count as granted: the calls tell. */
  async function grantedRoles(): Promise<{ alerts: boolean; hunting: boolean }> {
    const roles = await readRoles(() => tokens.get());
    const isWhole = roles.alerts && roles.hunting;
    if (isWhole || now().getTime() - renewedAt < RENEW_FOR_ROLES_MS) {
      return roles;
    }
    renewedAt = now().getTime();
    return readRoles(() => tokens.renew());
  }

  async function readRoles(token: () => Promise<string>): Promise<{ alerts: boolean; hunting: boolean }> {
    const claims = await token()
      .then(readTokenClaims)
      .catch(() => undefined);
    const has = ({ roles }: LookUpApi) =>
      claims === undefined || roles.some((role) => claims.roles.includes(role));
    return { alerts: has(ALERT_LOOK_UPS), hunting: has(HUNTING_LOOK_UPS) };
  }

  async function findByAlert(
    alert: AlertReference,
    mayHunt: boolean,
    signal: AbortSignal,
  ): Promise<SourceAnswer> {
    const { alertId, inLine, isReturning, refresh, firstSeen } = alert;
    const kept = isReturning ? await parts.readEvidence(alertId) : undefined;
    // It may be left of an earlier submission that ended otherwise.
    const before = kept && isFresh(kept, firstSeen, refresh ? 0 : reuseForMs, now()) ? kept : undefined;
    const listed = before === undefined && !refresh ? await evidenceInList(alert, signal) : undefined;
    const evidence = before ?? listed ?? (await askAlert(alert, signal));
    if ('kind' in evidence) {
      return evidence;
    }
    const { part, retrievedAt } = evidence;
    const info = mayHunt
      ? await describe(part.mdeDeviceId, { ...alert, inLine: inLine && before !== undefined }, signal)
      : NOT_ASKED;
    // While the circuit of hunting is open, the evidence of the alert is enough. A fault that passes is waited for.
    if (info.kind !== 'device' && info.kind !== 'denied') {
      if (before === undefined) {
        await parts.writeEvidence(alertId, evidence);
      }
      return info;
    }
    if (before !== undefined) {
      await parts.removeEvidence(alertId);
    }
    const row = info.kind === 'device' ? info.row : null;
    return {
      kind: 'found',
      source: 'graph',
      machine: graphMachine(part.mdeDeviceId.trim(), part, row ?? undefined),
      retrievedAt,
      unavailable: unavailableProperties({ evidence: true, hunting: row !== null }),
      ...(listed !== undefined && { bulk: true as const }),
    };
  }

  /** What a list of alerts says about the device, where many alerts are looked up at the same time. */
  async function evidenceInList(
    alert: AlertReference,
    signal: AbortSignal,
  ): Promise<Kept<DeviceEvidence> | undefined> {
    const { alertId, machineId, firstSeen } = alert;
    if (index === undefined || !(await crowd.becomesMany())) {
      return undefined;
    }
    const listed = await index.find(graphIdOf(alertId), firstSeen, endOfWaiting(alert, signal));
    if (listed === undefined || !isFresh(listed, firstSeen, reuseForMs, now())) {
      return undefined;
    }
    const { part, retrievedAt } = listed;
    const evidence = deviceEvidenceSchema.safeParse(part.evidence).data;
    const isContradicted =
      machineId !== undefined &&
      evidence?.mdeDeviceId.trim().toLowerCase() !== machineId.trim().toLowerCase();
    return evidence && !isContradicted ? { part: evidence, retrievedAt } : undefined;
  }

  /** Graph knows alerts by an ID with a prefix, which some other APIs leave out before a GUID: both are asked for. */
  async function askAlert(
    alert: AlertReference,
    signal: AbortSignal,
  ): Promise<Kept<DeviceEvidence> | LookUpFailure> {
    const { alertId } = alert;
    const ask = (id: string, place: CallRequest['place']) => {
      const call = (token: string) => client.alert(id, token, signal);
      return lookUpAlert<AlertReply>({ alertId, place, call }, endOfWaiting(alert, signal));
    };
    const graphId = graphIdOf(alertId);
    const first = await ask(graphId, placeOf(alert));
    const reply = first.kind === 'not_found' && graphId !== alertId ? await ask(alertId, 'first') : first;
    if (reply.kind !== 'alert') {
      return reply as LookUpFailure;
    }
    if (reply.device === null) {
      return {
        kind: 'not_found',
        isCertain: true,
        detail: 'Microsoft Graph knows the alert, and that it has no device.',
      };
    }
    return { part: reply.device, retrievedAt: now() };
  }

  /** What hunting knows of a device: from the part that is kept, else by a query that other alerts share. */
  async function describe(
    deviceId: string,
    alert: AlertReference,
    signal: AbortSignal,
  ): Promise<{ kind: 'device'; row: HuntingRow | null } | LookUpFailure> {
    if (!isAlertId(deviceId)) {
      return { kind: 'device', row: null };
    }
    const { refresh, firstSeen } = alert;
    const kept = refresh ? undefined : await parts.readDevice(deviceId);
    if (kept !== undefined && isFresh(kept, firstSeen, reuseForMs, now())) {
      return { kind: 'device', row: kept.part };
    }
    const answer = await devices.ask(deviceId, placeOf(alert), endOfWaiting(alert, signal));
    return answer.kind === 'row' ? { kind: 'device', row: deviceIn(answer.row) } : answer;
  }

  /** Waits to the end of the run, also for an urgent caller: its answers are not kept, and the query would be made again. */
  async function findByHunting(alert: AlertReference, signal: AbortSignal): Promise<SourceAnswer> {
    const answer = await alerts.ask(alert.alertId, placeOf(alert), signal);
    return answer.kind === 'row' ? machineOf(answer) : answer;
  }

  function machineOf({ row }: Extract<BatchAnswer<HuntingRow>, { kind: 'row' }>): SourceAnswer {
    const deviceId = row.get('deviceid')?.trim() ?? '';
    switch (row.get('outcome')) {
      case 'device':
      case 'device_without_info': {
        const isKnown = row.get('outcome') === 'device';
        return {
          kind: 'found',
          source: 'graph',
          machine: graphMachine(deviceId, undefined, isKnown ? row : undefined),
          retrievedAt: now(),
          unavailable: unavailableProperties({ evidence: false, hunting: isKnown }),
        };
      }
      case 'alert_without_device':
        return { kind: 'not_found', detail: 'Hunting knows the alert, and no device of it yet.' };
      case 'alert_unknown':
        return { kind: 'not_found', detail: 'Hunting does not know the alert.' };
      default:
        return { kind: 'unusable', detail: 'hunting answered with a row that says nothing about its ID' };
    }
  }

  return {
    name: 'graph',
    async find(alert, signal) {
      const roles = await grantedRoles();
      // Without either role the call for the alert says which one is missing, and the circuit opens.
      return crowd.join(() =>
        roles.alerts || !roles.hunting
          ? findByAlert(alert, roles.hunting, signal)
          : findByHunting(alert, signal),
      );
    },
  };
}

/** Null for a device of which hunting has no data. */
function deviceIn(row: HuntingRow): HuntingRow | null {
  return row.get('outcome') === 'device' ? row : null;
}

function graphIdOf(alertId: string): string {
  return BARE_GUID.test(alertId) ? `da${alertId}` : alertId;
}

const BARE_GUID = /^[\da-f]{8}-[\da-f]{4}-/i;
const NOT_ASKED = { kind: 'device', row: null } as const;
