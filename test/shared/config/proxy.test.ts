import { expect, test } from 'vitest';
import { keepLocalTrafficFromProxies } from '#shared/config/proxy.ts';

test('what runs on this machine, and the identity endpoint, is never asked through a proxy', () => {
  const environment: Record<string, string | undefined> = {
    https_proxy: 'http://proxy.example:8080',
    NO_PROXY: 'intern.example, .corp.example',
    IDENTITY_ENDPOINT: 'http://identity.internal:8081/msi/token',
  };
  keepLocalTrafficFromProxies(environment);
  const hosts = environment.NO_PROXY?.split(',');
  expect(hosts).toEqual(
    expect.arrayContaining([
      'intern.example',
      '.corp.example',
      'localhost',
      '127.0.0.1',
      '169.254.169.254',
      'identity.internal',
    ]),
  );
  expect(environment.no_proxy).toBe(environment.NO_PROXY);
});

test('an environment without a proxy stays as it is', () => {
  const environment = { NO_PROXY: 'intern.example', IDENTITY_ENDPOINT: 'http://127.0.0.1:1/' };
  keepLocalTrafficFromProxies(environment);
  expect(environment).toEqual({ NO_PROXY: 'intern.example', IDENTITY_ENDPOINT: 'http://127.0.0.1:1/' });
});
