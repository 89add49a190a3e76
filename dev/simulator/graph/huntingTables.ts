import type { AlertRecord } from '../alerts/alerts.ts';
import { pick, seededRandom } from '../random.ts';
import { devicesOf, findAlert, type GraphWorld } from './graphAlert.ts';
import { type Cell, type HuntingDevice, huntingDevice, kqlTime } from './huntingDevice.ts';
import { type Column, type HuntingQuery, KqlError } from './kql.ts';

export type Row = Readonly<Record<string, Cell>>;

/** An answer before the wire: its columns in order, with their types, and its rows. */
export interface Table {
  columns: readonly { name: string; type: ColumnType }[];
  rows: readonly Row[];
}

/** As the service names them. */
export type ColumnType = 'String' | 'Int64' | 'SByte' | 'DateTime' | 'Object';

/** The columns of a query about alerts that finds no more than their devices. */
const CANDIDATE_COLUMNS = ['RequestId', 'DeviceId', 'Rank', 'EvidenceTime'];
const ALERT_COLUMNS = ['RequestId', 'EvidenceRows', 'DeviceId', 'MainRank', 'DeviceCount'];
const DEVICE_COLUMNS = [
  'DeviceInfoTime',
  'DeviceName',
  'ClientVersion',
  'PublicIP',
  'OSArchitecture',
  'OSPlatform',
  'OSVersion',
  'OSBuild',
  'IsAzureADJoined',
  'JoinType',
  'AadDeviceId',
  'MachineGroup',
  'OnboardingStatus',
  'LoggedOnUsers',
  'RegistryDeviceTag',
  'OSVersionInfo',
  'OSDistribution',
  'OsBuildRevision',
  'MergedToDeviceId',
  'SensorHealthState',
  'ExposureLevel',
  'AssetValue',
  'IsExcluded',
  'ExclusionReason',
  'DeviceManualTags',
  'DeviceDynamicTags',
  'DeviceType',
  'CloudPlatforms',
  'AzureVmId',
  'AzureResourceId',
  'AzureVmSubscriptionId',
  'AwsResourceName',
  'GcpFullResourceName',
] as const satisfies (keyof HuntingDevice)[];

/** Columns that are no text. */
const TYPES: Record<string, ColumnType> = {
  EvidenceRows: 'Int64',
  MainRank: 'Int64',
  DeviceCount: 'Int64',
  Rank: 'Int64',
  EvidenceTime: 'DateTime',
  DeviceInfoTime: 'DateTime',
  OSBuild: 'Int64',
  IsAzureADJoined: 'SByte',
  IsExcluded: 'SByte',
  Interfaces: 'Object',
};

/**
 * Answers a query by the tables that it names: AlertEvidence alone finds the devices of alerts, DeviceInfo and
 * DeviceNetworkInfo alone describe devices, all together describe the main device of each alert.
 *
 * @throws KqlError for a query that cannot be answered, or that wants a column that its tables do not have
 */
export function answerQuery(query: HuntingQuery, world: GraphWorld, now: number): Table {
  const { ids, names, columns } = query;
  const asksFor = {
    alerts: names.has('AlertEvidence'),
    devices: names.has('DeviceInfo'),
    interfaces: names.has('DeviceNetworkInfo'),
  };
  const deviceColumns = [
    ...(asksFor.devices ? DEVICE_COLUMNS : []),
    ...(asksFor.interfaces ? ['Interfaces'] : []),
  ];
  if (!asksFor.alerts && deviceColumns.length === 0) {
    throw new KqlError('This service stands in for AlertEvidence, DeviceInfo and DeviceNetworkInfo only.');
  }
  if (!names.has('datatable')) {
    throw new KqlError('This service runs no KQL: it takes the IDs asked for from a datatable(...)[...].');
  }

  // Where the end of a query does not say its columns, it has this one if it names it anywhere.
  const outcome = names.has('Outcome') ? ['Outcome'] : [];

  const describe = (deviceId: string | undefined) => {
    const machine = deviceId === undefined ? undefined : world.fleet.byId(deviceId);
    return machine === undefined ? undefined : huntingDevice(machine, world.seed, now);
  };

  /** Every ID asked for has a row, whatever became of it. */
  function alertRow(id: string): Row {
    const alert = findAlert(world.alerts, id);
    const candidates = alert === undefined ? [] : candidateRows(id, alert, world);
    const [main] = candidates;
    const device = describe(main?.DeviceId);
    // Without DeviceInfo a query cannot tell whether there is more to know.
    const found = asksFor.devices ? deviceOutcome(device) : 'device';
    const ofKnown = main === undefined ? 'alert_without_device' : found;
    return {
      ...emptyRow(deviceColumns),
      ...device,
      ...main,
      RequestId: id,
      EvidenceRows: alert === undefined ? 0 : candidates.length + 2,
      DeviceId: main?.DeviceId ?? '',
      MainRank: main?.Rank ?? null,
      DeviceCount: main === undefined ? null : candidates.length,
      Outcome: alert === undefined ? 'alert_unknown' : ofKnown,
    };
  }

  function deviceRow(id: string): Row {
    const device = describe(id);
    return {
      ...emptyRow(deviceColumns),
      ...device,
      RequestId: id,
      DeviceId: id,
      Outcome: deviceOutcome(device),
    };
  }

  if (asksFor.alerts && deviceColumns.length === 0) {
    const known = [...new Set([...CANDIDATE_COLUMNS, ...ALERT_COLUMNS, 'Outcome'])];
    const wanted = columnsOf(columns, [...CANDIDATE_COLUMNS, ...outcome], known);
    const isWhole = wanted.some(({ from }) => from === 'Outcome' || from === 'EvidenceRows');
    const rows = ids.flatMap((id) => {
      const alert = findAlert(world.alerts, id);
      return isWhole ? [alertRow(id)] : alert === undefined ? [] : candidateRows(id, alert, world);
    });
    return tableOf(wanted, rows);
  }
  if (asksFor.alerts) {
    const all = [...ALERT_COLUMNS, ...deviceColumns, 'Outcome'];
    return tableOf(columnsOf(columns, all, all), ids.map(alertRow));
  }
  const all = ['DeviceId', ...deviceColumns];
  const wanted = columnsOf(columns, [...all, ...outcome], [...all, 'RequestId', 'Outcome']);
  const rows = ids.map(deviceRow);
  const isWhole = wanted.some(({ from }) => from === 'Outcome');
  return tableOf(wanted, isWhole ? rows : rows.filter(({ Outcome }) => Outcome === 'device'));
}

function deviceOutcome(device: HuntingDevice | undefined): string {
  return device === undefined ? 'device_without_info' : 'device';
}

/** The devices that the evidence of an alert names, the main one first, as the query ranks them. */
function candidateRows(id: string, alert: AlertRecord, world: GraphWorld) {
  const random = seededRandom(world.seed, 'evidence rank', alert.id);
  const happened = Date.parse(String(alert.firstEventTime));
  return devicesOf(alert, world).map(({ machineId }, index) => ({
    RequestId: id,
    DeviceId: machineId,
    Rank: index === 0 ? pick(random, [0, 0, 1, 2]) : 3,
    EvidenceTime: kqlTime(happened),
  }));
}

/** What a row holds where a join found nothing: no text, and null in place of all else. */
function emptyRow(names: readonly string[]): Row {
  return Object.fromEntries(names.map((name) => [name, TYPES[name] === undefined ? '' : null]));
}

interface WantedColumn {
  name: string;
  from: string;
}

/** Where the query does not say its columns they are the usual ones. */
function columnsOf(
  columns: readonly Column[] | undefined,
  usual: readonly string[],
  known: readonly string[],
): WantedColumn[] {
  if (columns === undefined) {
    return usual.map((name) => ({ name, from: name }));
  }
  return columns.map(({ name, from }) => {
    const [only, ...more] = from;
    const candidates = more.length === 0 && only !== undefined ? [only, name] : [name, ...from];
    const found = candidates.find((candidate) => known.includes(candidate));
    if (found === undefined) {
      throw new KqlError(
        `'project' operator: Failed to resolve scalar expression named '${only ?? name}'. Fix semantic errors in your query.`,
      );
    }
    return { name, from: found };
  });
}

function tableOf(columns: readonly WantedColumn[], rows: readonly Row[]): Table {
  return {
    columns: columns.map(({ name, from }) => ({ name, type: TYPES[from] ?? 'String' })),
    rows: rows.map((row) => Object.fromEntries(columns.map(({ name, from }) => [name, row[from] ?? null]))),
  };
}
