import { expect, test } from 'vitest';
import { requireAuthentication } from '#shared/config/httpSettings.ts';
import { SettingsError } from '#shared/config/setting.ts';
import { problemsWith, settingsWith } from './problems.ts';

test('callers are told by a key unless the setting says otherwise', () => {
  expect(settingsWith({}).http).toEqual({ authorization: 'key' });
  expect(settingsWith({ HTTP_AUTHORIZATION: 'entra' }).http).toEqual({ authorization: 'entra' });
  expect(problemsWith({ HTTP_AUTHORIZATION: 'none' })).toEqual({
    HTTP_AUTHORIZATION: 'got "none"; allowed: `key`, `entra`.',
  });
});

test.each([
  [{}],
  [{ WEBSITE_AUTH_ENABLED: 'False' }],
  [{ WEBSITE_AUTH_ENABLED: '0' }],
  [{ WEBSITE_AUTH_ENABLED: '' }],
])('the functions do not start with entra and %j', (environment) => {
  expect(() => requireAuthentication('entra', environment)).toThrow(SettingsError);
  expect(() => requireAuthentication('entra', environment)).toThrow(
    /^One setting is wrong:\n- HTTP_AUTHORIZATION/,
  );
  expect(() => requireAuthentication('key', environment)).not.toThrow();
});

test.each(['True', 'true', '1'])('they start with entra when authentication is on (%s)', (value) => {
  expect(() => requireAuthentication('entra', { WEBSITE_AUTH_ENABLED: value })).not.toThrow();
});
