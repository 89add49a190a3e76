import type { Alerts } from './alerts/alerts.ts';
import type { Answer } from './answer.ts';
import { apiError, type ErrorContext } from './apiError.ts';
import type { Route } from './callLog.ts';
import type { ApiName } from './faults.ts';
import type { Fleet } from './fleet/fleet.ts';
import { PAGE_MAXIMUM, parseListQuery, QueryError } from './odata.ts';

/** What the routes answer from. */
export interface World {
  fleet: Fleet;
  alerts: Alerts;
}

/** A request that is understood: which route it is for, what it takes, and what an undisturbed service answers. */
export interface RoutedCall {
  api: ApiName;
  route: Route;
  method: 'GET' | 'POST';
  /** The app permissions of which one is enough. */
  roles: readonly string[];
  /** Null where no alert is named. */
  alertId: string | null;
  /** The IDs that a hunting query asks for. */
  ids?: readonly string[];
  /** A refusal that is due before the call counts against the quota. */
  refusal?(context: ErrorContext): Answer | undefined;
  answer(world: World, context: ErrorContext): Answer;
}

type Handler = Pick<RoutedCall, 'route' | 'roles' | 'alertId'> & {
  /** `target` is the tracking ID of errors. */
  answer(world: World, target: string): Answer;
};

const MACHINE_ROLES = ['Machine.Read.All', 'Machine.ReadWrite.All'];
const ALERT_ROLES = ['Alert.Read.All', 'Alert.ReadWrite.All'];
const METADATA = 'https://api.securitycenter.microsoft.com/api/$metadata';
const MACHINE_FIELDS = [
  'id',
  'computerDnsName',
  'healthStatus',
  'onboardingStatus',
  'osPlatform',
  'riskScore',
];
const ALERT_FIELDS = [
  'id',
  'alertCreationTime',
  'lastUpdateTime',
  'lastEventTime',
  'incidentId',
  'detectionSource',
  'severity',
  'status',
  'category',
];

/** Finds the route of a request for `/api/...` or `/api/v1.0/...`. */
export function routeCall(url: URL): RoutedCall {
  const { answer, ...call } = findHandler(url);
  return { ...call, api: 'defender', method: 'GET', answer: (world, { target }) => answer(world, target) };
}

function findHandler(url: URL): Handler {
  const [api, ...rest] = url.pathname.split('/').slice(1).map(decodeSegment);
  const [collection, id, property, ...more] = rest[0] === 'v1.0' ? rest.slice(1) : rest;
  if (api === 'api' && more.length === 0) {
    if (collection === 'alerts' && id && property === 'machine') {
      return { route: 'alertMachine', roles: MACHINE_ROLES, alertId: id, answer: answerAlertMachine(id) };
    }
    if (collection === 'alerts' && id && property === undefined) {
      return { route: 'alert', roles: ALERT_ROLES, alertId: id, answer: answerAlert(id) };
    }
    if (collection === 'alerts' && id === undefined) {
      return { route: 'alerts', roles: ALERT_ROLES, alertId: null, answer: answerAlerts(url) };
    }
    if (collection === 'machines' && id && property === undefined) {
      return { route: 'machine', roles: MACHINE_ROLES, alertId: null, answer: answerMachine(id) };
    }
    if (collection === 'machines' && id === undefined) {
      return { route: 'machines', roles: MACHINE_ROLES, alertId: null, answer: answerMachines(url) };
    }
  }
  const message = `No HTTP resource was found that matches the request URI '${url.pathname}'.`;
  return {
    route: 'unknown',
    roles: MACHINE_ROLES,
    alertId: null,
    answer: (_world, target) => notFound(message, target),
  };
}

function answerAlertMachine(id: string): Handler['answer'] {
  return ({ alerts }, target) => {
    const alert = alerts.byId(id);
    if (alert === undefined) {
      return notFound(`Alert ${id} not found`, target);
    }
    const machine = alerts.machineOf(alert);
    return machine === undefined
      ? notFound(`Machine ${alert.machineId} was not found`, target)
      : entity('Machines', machine);
  };
}

function answerAlert(id: string): Handler['answer'] {
  return ({ alerts }, target) => {
    const alert = alerts.byId(id);
    return alert === undefined ? notFound(`Alert ${id} not found`, target) : entity('Alerts', alert);
  };
}

function answerMachine(idOrName: string): Handler['answer'] {
  return ({ fleet }, target) => {
    const machine = fleet.byId(idOrName) ?? fleet.byName(idOrName);
    return machine === undefined
      ? notFound(`Machine ${idOrName} was not found`, target)
      : entity('Machines', machine);
  };
}

function answerAlerts(url: URL): Handler['answer'] {
  return ({ alerts }, target) => list('Alerts', alerts.all(), ALERT_FIELDS, url, target);
}

function answerMachines(url: URL): Handler['answer'] {
  return ({ fleet }, target) => list('Machines', fleet.machines, MACHINE_FIELDS, url, target);
}

function list(
  name: string,
  rows: readonly Record<string, unknown>[],
  fields: readonly string[],
  url: URL,
  target: string,
): Answer {
  try {
    const { matches, compare, top = PAGE_MAXIMUM, skip, select } = parseListQuery(url.searchParams, fields);
    const found = rows.filter(matches);
    const page = (compare === undefined ? found : found.toSorted(compare)).slice(skip, skip + top);
    const value = select === undefined ? page : page.map((row) => selectFrom(row, select));
    const next = new URL(url);
    next.searchParams.set('$skip', String(skip + PAGE_MAXIMUM));
    // Callers that name a page size get no link to the next page.
    const hasLink = !url.searchParams.has('$top') && skip + top < found.length;
    const link = hasLink ? { '@odata.nextLink': next.href } : {};
    return { status: 200, body: { '@odata.context': `${METADATA}#${name}`, value, ...link } };
  } catch (error) {
    if (error instanceof QueryError) {
      return { status: 400, body: apiError('ODataError', error.message, target) };
    }
    throw error;
  }
}

export function selectFrom(row: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([name]) => names.includes(name)));
}

function entity(name: string, record: Record<string, unknown>): Answer {
  return { status: 200, body: { '@odata.context': `${METADATA}#${name}/$entity`, ...record } };
}

function notFound(message: string, target: string): Answer {
  return { status: 404, body: apiError('ResourceNotFound', message, target) };
}

/** A segment that is no valid percent-encoding stays as it came: it then names nothing that exists. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
