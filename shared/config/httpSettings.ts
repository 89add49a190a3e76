import * as z from 'zod';
import { SettingsError, withDefault } from './setting.ts';

/** The settings of the HTTP functions. */
export const httpSettings = z.object({
  HTTP_AUTHORIZATION: withDefault(z.enum(['key', 'entra']), {
    default: 'key',
    what: 'Who may call the HTTP functions: whoever has a function key, or whom App Service Authentication has signed in with Microsoft Entra ID. `/api/live` is open to all.',
    allowed: '`key`, `entra`',
  }),
});

export const httpSchema = httpSettings.transform((settings) => ({
  http: { authorization: settings.HTTP_AUTHORIZATION },
}));

/** How callers of the HTTP functions are authorized: by function key, or by Entra ID. */
export type HttpAuthorization = z.output<typeof httpSchema>['http']['authorization'];

/**
 * With `entra` the Functions host lets every caller pass, and the app trusts a header that only App Service Authentication
 * keeps strangers from setting. So that must be on, which the platform tells by `WEBSITE_AUTH_ENABLED`
 * (https://learn.microsoft.com/azure/app-service/reference-app-settings#authentication--authorization).
 * Checked where the functions start and not with the settings: operators read the same settings elsewhere.
 * @throws SettingsError when it is not on.
 */
export function requireAuthentication(
  authorization: HttpAuthorization,
  environment: Record<string, string | undefined>,
): void {
  if (authorization === 'key' || /^(true|1)$/i.test(environment.WEBSITE_AUTH_ENABLED ?? '')) {
    return;
  }
  throw new SettingsError([
    {
      setting: 'HTTP_AUTHORIZATION',
      message:
        'got "entra" while App Service Authentication is off (WEBSITE_AUTH_ENABLED is not "True"), so anybody could call. Turn that on, or use "key".',
    },
  ]);
}
