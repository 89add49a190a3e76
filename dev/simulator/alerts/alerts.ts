import type { Fleet } from '../fleet/fleet.ts';
import type { MachineRecord } from '../fleet/machineRecord.ts';
import { guid, integer, pick, seededRandom } from '../random.ts';
import { timeText } from '../timeText.ts';
import { alertIdShapeAt, createAlertId } from './alertIds.ts';

/** An alert as the API sends it. */
export interface AlertRecord {
  id: string;
  /** Null for an alert that concerns no device. */
  machineId: string | null;
  severity: string;
  status: string;
  detectionSource: string;
  /** ISO 8601, UTC, up to 7 fractional digits. */
  lastUpdateTime: string;
  [property: string]: unknown;
}

/** An alert to add: what is left out is drawn from the seed and the ID. */
export interface NewAlert {
  id: string;
  machineId?: string | null | undefined;
  severity?: string | undefined;
  status?: string | undefined;
  detectionSource?: string | undefined;
  lastUpdateTime?: string | undefined;
}

/** The alerts of the simulated tenant, in the order in which they came. */
export interface Alerts {
  all(): readonly AlertRecord[];
  byId(id: string): AlertRecord | undefined;
  /** The device behind a known alert. */
  machineOf(alert: AlertRecord): MachineRecord | undefined;
  /** Adds alerts or replaces those with the same ID. */
  add(alerts: readonly NewAlert[], now: number): AlertRecord[];
  /** Adds as many alerts with fresh IDs. */
  addNew(count: number, now: number): AlertRecord[];
  /** Forgets the alerts that were added. */
  reset(): void;
}

export interface AlertsOptions {
  seed: string;
  size: number;
  tenantId: string;
  fleet: Fleet;
  /** The time (ms) that the times of the first alerts count back from. */
  referenceTime: number;
}

const DAY_MS = 86_400_000;
const KINDS = [
  { title: 'Suspicious PowerShell command line', category: 'Execution', mitreTechniques: ['T1059.001'] },
  { title: 'Sensitive credential memory read', category: 'CredentialAccess', mitreTechniques: ['T1003.001'] },
  {
    title: 'Anomaly detected in ASEP registry',
    category: 'Persistence',
    mitreTechniques: ['T1547.001', 'T1112'],
  },
  { title: "'EICAR_Test_File' malware was prevented", category: 'Malware', mitreTechniques: [] },
] as const;

export function createAlerts({ seed, size, tenantId, fleet, referenceTime }: AlertsOptions): Alerts {
  const alerts = new Map<string, AlertRecord>();
  let count = 0;

  function createAlert(alert: NewAlert, now: number): AlertRecord {
    const random = seededRandom(seed, 'alert', alert.id);
    const machine = fleet.byId(alert.machineId ?? '') ?? pick(random, fleet.machines);
    const kind = pick(random, KINDS);
    const updated = alert.lastUpdateTime ?? timeText(now, random);
    const created = timeText(Date.parse(updated) - integer(random, 0, DAY_MS / 24), random);
    return {
      id: alert.id,
      incidentId: integer(random, 1, 99_999),
      investigationId: null,
      assignedTo: null,
      severity: alert.severity ?? pick(random, ['Informational', 'Low', 'Medium', 'High']),
      status: alert.status ?? pick(random, ['New', 'New', 'InProgress', 'Resolved']),
      classification: null,
      determination: null,
      investigationState: 'UnsupportedAlertType',
      detectionSource:
        alert.detectionSource ?? pick(random, ['WindowsDefenderAtp', 'WindowsDefenderAv', 'CustomDetection']),
      detectorId: guid(random),
      category: kind.category,
      threatFamilyName: null,
      threatName: null,
      title: kind.title,
      description: `${kind.title}.`,
      alertCreationTime: created,
      firstEventTime: created,
      lastEventTime: created,
      lastUpdateTime: updated,
      resolvedTime: null,
      machineId: alert.machineId === undefined ? machine.id : alert.machineId,
      computerDnsName: alert.machineId === null ? null : (machine.computerDnsName ?? null),
      rbacGroupName: alert.machineId === null ? null : (machine.rbacGroupName ?? null),
      aadTenantId: tenantId,
      relatedUser: null,
      loggedOnUsers: [],
      mitreTechniques: kind.mitreTechniques,
      comments: [],
      domains: [],
      evidence: [],
    };
  }

  function add(added: readonly NewAlert[], timeOf: (index: number) => number): AlertRecord[] {
    const records = added.map((alert, index) => createAlert(alert, timeOf(index)));
    for (const record of records) {
      alerts.set(record.id, record);
    }
    return records;
  }

  /** IDs come from one numbered sequence, so that they do not depend on when they are asked for. */
  function nextAlerts(length: number): NewAlert[] {
    return Array.from({ length }, () => {
      const index = count++;
      return { id: createAlertId(alertIdShapeAt(index), seededRandom(seed, 'alert ID', index)) };
    });
  }

  function start(): void {
    alerts.clear();
    count = 0;
    add(nextAlerts(size), (index) => referenceTime - DAY_MS * (1 - (index + 1) / size));
  }

  start();
  return {
    all: () => [...alerts.values()],
    byId: (id) => alerts.get(id),
    machineOf: (alert) => (alert.machineId === null ? undefined : fleet.byId(alert.machineId)),
    add: (added, now) => add(added, () => now),
    addNew: (length, now) => add(nextAlerts(length), () => now),
    reset: start,
  };
}
