import type { Answer } from '../answer.ts';
import type { ErrorContext } from '../apiError.ts';
import { type ListQuery, parseListQuery, QueryError } from '../odata.ts';
import { decodeSegment, type RoutedCall, selectFrom } from '../routes.ts';
import { findAlert, type GraphWorld, graphAlert, graphAlertHead, graphAlertId } from './graphAlert.ts';
import { graphErrorBody, graphErrors } from './graphErrors.ts';
import { type Hunting, readHuntingRequest } from './hunting.ts';

/** What the routes of Microsoft Graph answer from. */
export interface GraphParts extends GraphWorld {
  hunting: Hunting;
}

const ALERT_ROLES = [
  'SecurityAlert.Read.All',
  'SecurityAlert.ReadWrite.All',
  'SecurityIncident.Read.All',
  'SecurityIncident.ReadWrite.All',
];
const HUNTING_ROLES = ['ThreatHunting.Read.All'];
const METADATA = 'https://graph.microsoft.com/v1.0/$metadata#security/alerts_v2';
/** Not `id`: Graph documents no filter for it. */
const ALERT_FIELDS = [
  'assignedTo',
  'classification',
  'createdDateTime',
  'determination',
  'lastUpdateDateTime',
  'serviceSource',
  'severity',
  'status',
];
const USUAL_PAGE = 100;
const LARGEST_PAGE = 1000;
const LAST_ROW = 6000;

/** Whether a request is for Microsoft Graph, and not for the Defender API, whose paths begin with `/api`. */
export function isGraphPath(url: URL): boolean {
  return url.pathname.startsWith('/v1.0/');
}

/** Finds the route of a request for `/v1.0/security/...`. */
export function routeGraphCall(url: URL, body: string, parts: GraphParts): RoutedCall {
  const [, , security, collection, id, ...more] = url.pathname.split('/').map(decodeSegment);
  if (security === 'security' && more.length === 0) {
    if (collection === 'alerts_v2' && id) {
      return {
        api: 'graph',
        route: 'graphAlert',
        method: 'GET',
        roles: ALERT_ROLES,
        alertId: findAlert(parts.alerts, id)?.id ?? id,
        answer: (_world, context) => answerAlert(id, parts, context),
      };
    }
    if (collection === 'alerts_v2' && id === undefined) {
      return {
        api: 'graph',
        route: 'graphAlerts',
        method: 'GET',
        roles: ALERT_ROLES,
        alertId: null,
        answer: (_world, context) => answerAlerts(url, parts, context),
      };
    }
    if (collection === 'runHuntingQuery' && id === undefined) {
      const request = readHuntingRequest(body);
      return {
        api: 'hunting',
        route: 'hunting',
        method: 'POST',
        roles: HUNTING_ROLES,
        alertId: null,
        ids: request.kind === 'query' ? request.query.ids : [],
        refusal: parts.hunting.refusal,
        answer: (_world, context) => parts.hunting.answer(request, context),
      };
    }
  }
  return {
    api: 'graph',
    route: 'unknown',
    method: 'GET',
    roles: ALERT_ROLES,
    alertId: null,
    answer: (_world, context) =>
      failure(400, `Resource not found for the segment '${collection ?? security}'.`, context),
  };
}

/** Graph takes its own ID only: a GUID without its prefix, as the Defender API may have it, names no alert. */
function answerAlert(id: string, world: GraphWorld, context: ErrorContext): Answer {
  const alert = findAlert(world.alerts, id);
  return alert === undefined || graphAlertId(alert) !== id
    ? { status: 404, body: graphErrorBody(graphErrors.notFound, context) }
    : { status: 200, body: { '@odata.context': `${METADATA}/$entity`, ...graphAlert(alert, world) } };
}

function answerAlerts(url: URL, world: GraphWorld, context: ErrorContext): Answer {
  try {
    return listAlerts(url, parseListQuery(url.searchParams, ALERT_FIELDS), world, context);
  } catch (error) {
    if (error instanceof QueryError) {
      return failure(400, error.message, context);
    }
    throw error;
  }
}

function listAlerts(url: URL, query: ListQuery, world: GraphWorld, context: ErrorContext): Answer {
  const { matches, compare, skip, select } = query;
  const top = Math.min(query.top ?? USUAL_PAGE, LARGEST_PAGE);
  if (skip + top > LAST_ROW) {
    return failure(400, `The sum of $top and $skip must not exceed ${LAST_ROW}.`, context);
  }
  const found = world.alerts
    .all()
    .map((alert) => ({ alert, head: graphAlertHead(alert) }))
    .filter(({ head }) => matches(head));
  const sorted =
    compare === undefined ? found : found.toSorted((left, right) => compare(left.head, right.head));
  const page = sorted.slice(skip, skip + top).map(({ alert }) => graphAlert(alert, world));
  const next = new URL(url);
  next.searchParams.set('$skip', String(skip + top));
  return {
    status: 200,
    body: {
      '@odata.context': METADATA,
      ...(skip + top < found.length ? { '@odata.nextLink': next.href } : {}),
      value: select === undefined ? page : page.map((alert) => selectFrom(alert, select)),
    },
  };
}

function failure(status: number, message: string, context: ErrorContext): Answer {
  return { status, body: graphErrorBody({ code: 'BadRequest', message }, context) };
}
