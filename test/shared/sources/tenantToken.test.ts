import { describe, expect, test } from 'vitest';
import { consentLink, signInText } from '#shared/sources/tenantToken.ts';
import { CONTOSO } from '../tenants/tenants.ts';

const app = {
  appId: '11111111-2222-4333-8444-555555555555',
  identityClientId: '99999999-2222-4333-8444-555555555555',
  authorityHost: 'https://login.microsoftonline.com',
  exchangeScope: 'api://AzureADTokenExchange/.default',
};
const trailer = 'Trace ID: 6e1f Correlation ID: 4c2a Timestamp: 2026-11-27 00:00:00Z';
const refusal = (code: string, words: string) =>
  new Error(`unauthorized_client: ${code} - [2026-11-27 00:00:00Z]: AADSTS${code}: ${words} ${trailer}`);

describe('what is said about a sign-in that a tenant refuses', () => {
  test.each([
    ['700016', 'Application was not found in the directory.', consentLink(app, CONTOSO)],
    [
      '7000229',
      'The client application is missing service principal in the tenant.',
      consentLink(app, CONTOSO),
    ],
    ['65001', 'The user or administrator has not consented.', consentLink(app, CONTOSO)],
    [
      '700213',
      'No matching federated identity record found for presented assertion subject.',
      app.identityClientId,
    ],
    [
      '700212',
      'No matching federated identity record found for presented assertion audience.',
      'takes api://AzureADTokenExchange',
    ],
    [
      '700211',
      'No matching federated identity record found for presented assertion issuer.',
      '<home tenant ID>/v2.0',
    ],
    ['90002', 'Tenant not found.', 'Correct or remove its row'],
    ['7000112', 'Application is disabled.', 'Enterprise applications'],
  ])('names tenant, code %s and the remedy', (code, words, remedy) => {
    const text = signInText(refusal(code, words), app, CONTOSO);
    expect(text).toContain(CONTOSO);
    expect(text).toContain(`AADSTS${code}`);
    expect(text).toContain(remedy);
  });

  test('is the first line of the service itself where the code is not known', () => {
    const text = signInText(new Error(`AADSTS50034: Something new.\nMore.`), app, CONTOSO);
    expect(text).toBe(
      `the tenant ${CONTOSO} refuses the app ${app.appId} (AADSTS50034): AADSTS50034: Something new.`,
    );
  });

  test('is about the address where the libraries found none for the tenant', () => {
    const error = new Error('endpoints_resolution_error: Endpoints cannot be resolved');
    expect(signInText(error, app, CONTOSO)).toBe(
      `the tenant ${CONTOSO} does not exist in this cloud, or https://login.microsoftonline.com cannot be reached`,
    );
  });
});
