import { createApplication } from '../shared/application.ts';
import type { Settings } from '../shared/config/settings.ts';
import { createEnrichAlert } from './enrichAlert.ts';
import { createGetEnrichment } from './getEnrichment.ts';
import { createGetHealth } from './getHealth.ts';
import { createGetQuota } from './getQuota.ts';
import { createPollAlerts } from './pollAlerts.ts';
import { createSubmitEnrichments } from './submitEnrichments.ts';

/** Everything behind the triggers that needs the application, and with it the storage and HTTP libraries. */
export type Handlers = ReturnType<typeof createHandlers>;

export function createHandlers(settings: Settings) {
  const { authorization } = settings.http;
  const application = createApplication(settings, process.env.IDENTITY_ENDPOINT !== undefined);
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
