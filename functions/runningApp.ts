import { type Application, createApplication } from '../shared/application.ts';
import { type HttpAuthorization, requireAuthentication } from '../shared/config/httpSettings.ts';
import { keepLocalTrafficFromProxies } from '../shared/config/proxy.ts';
import { readSettings } from '../shared/config/settings.ts';

/** What the handlers of the functions are made with. */
export interface RunningApp {
  application: Application;
  authorization: HttpAuthorization;
}

/** @throws SettingsError that lists every wrong setting. */
export function startApp(environment: Record<string, string | undefined>): RunningApp {
  keepLocalTrafficFromProxies(environment);
  const settings = readSettings(environment);
  const { authorization } = settings.http;
  requireAuthentication(authorization, environment);
  return {
    application: createApplication(settings, environment.IDENTITY_ENDPOINT !== undefined),
    authorization,
  };
}
