import { createApplication } from '../shared/application.ts';
import { requireAuthentication } from '../shared/config/httpSettings.ts';
import { keepLocalTrafficFromProxies } from '../shared/config/proxy.ts';
import { readSettings } from '../shared/config/settings.ts';
import { createEnrichAlert } from './enrichAlert.ts';
import { createGetEnrichment } from './getEnrichment.ts';
import { createGetHealth } from './getHealth.ts';
import { createGetQuota } from './getQuota.ts';
import { createPollAlerts } from './pollAlerts.ts';
import { createSubmitEnrichments } from './submitEnrichments.ts';

/** Everything behind the triggers that needs the application, and with it the storage and HTTP libraries. */
export type Handlers = ReturnType<typeof createHandlers>;

/** @throws SettingsError that lists every wrong setting. */
export function createHandlers(environment: Record<string, string | undefined>) {
  keepLocalTrafficFromProxies(environment);
  const settings = readSettings(environment);
  const { authorization } = settings.http;
  requireAuthentication(authorization, environment);
  const application = createApplication(settings, environment.IDENTITY_ENDPOINT !== undefined);
  return {
    provisionStorage: application.provisionStorage,
    enrichAlert: createEnrichAlert(application),
    pollAlerts: createPollAlerts(application),
    submitEnrichments: createSubmitEnrichments(application, authorization),
    getEnrichment: createGetEnrichment(application, authorization),
    getQuota: createGetQuota(application, authorization),
    getHealth: createGetHealth(application, authorization),
  };
}
