import { type Application, createApplication } from '../shared/application.ts';
import { type HttpAuthorization, requireAuthentication } from '../shared/config/httpSettings.ts';
import { keepLocalTrafficFromProxies } from '../shared/config/proxy.ts';
import { readSettings } from '../shared/config/settings.ts';
import type { OpenTelemetryDeps } from '../shared/opentelemetry/start.ts';
import { atMostEvery } from '../shared/promises.ts';

/** What the handlers of the functions are made with. */
export interface RunningApp {
  application: Application;
  authorization: HttpAuthorization;
  /** What telemetry is started with; undefined while it is off. */
  telemetryDeps: OpenTelemetryDeps | undefined;
}

/** Shortest time between two log lines about a collector that does not answer (ms). */
const TELEMETRY_WARNING_INTERVAL_MS = 600_000;

/**
 * Reads the settings and makes the app with them, once a process.
 * @param environment Gets a longer `NO_PROXY` where a proxy is set.
 * @throws SettingsError that lists every wrong setting.
 */
export function startApp(environment: Record<string, string | undefined>): RunningApp {
  keepLocalTrafficFromProxies(environment);
  const settings = readSettings(environment);
  const { authorization } = settings.http;
  requireAuthentication(authorization, environment);
  const application = createApplication(settings, environment.IDENTITY_ENDPOINT !== undefined);
  const { telemetry, queues } = settings;
  const isWarningDue = atMostEvery(TELEMETRY_WARNING_INTERVAL_MS, Date.now);
  const telemetryDeps =
    telemetry.kind === 'off'
      ? undefined
      : {
          settings: telemetry,
          alertsQueue: queues.alerts,
          environment,
          reportQuota: application.recentQuota,
          warn: (message: string) => {
            if (isWarningDue()) {
              console.warn(message);
            }
          },
        };
  return { application, authorization, telemetryDeps };
}
