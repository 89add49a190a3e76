import type { LookUpApi } from '../lookUp.ts';
import { GRAPH_API } from './graphClient.ts';

const END = 'Microsoft Graph does not know this address. Check GRAPH_API_URL.';

/** Look-ups of alerts in Graph: the roles that they need, and what to do when they are refused. */
export const ALERT_LOOK_UPS: LookUpApi = {
  ...GRAPH_API,
  roles: [
    'SecurityAlert.Read.All',
    'SecurityAlert.ReadWrite.All',
    'SecurityIncident.Read.All',
    'SecurityIncident.ReadWrite.All',
  ],
  advice:
    "Grant the app's identity the application role SecurityAlert.Read.All of Microsoft Graph, and check GRAPH_TOKEN_SCOPE.",
  end: END,
  refusesSingleAlerts: true,
};

/** Hunting queries in Graph, likewise; a refusal is always about the app. */
export const HUNTING_LOOK_UPS: LookUpApi = {
  ...GRAPH_API,
  roles: ['ThreatHunting.Read.All'],
  advice: "Grant the app's identity the application role ThreatHunting.Read.All of Microsoft Graph.",
  end: END,
  refusesSingleAlerts: false,
};
