import { afterEach, describe, expect, test } from 'vitest';
import { isDisabled, leaseSeconds, loadSettings, resolveNames } from '#dev/host/settings.ts';
import { type FixtureApp, writeFixtureApp } from './fixtureApp.ts';

let app: FixtureApp | undefined;
afterEach(() => {
  app?.remove();
  app = undefined;
});

describe('The settings of a local run', () => {
  test('come from local.settings.json, and the environment wins', () => {
    app = writeFixtureApp({ source: '', localSettings: { ONE: 'file', TWO: 'file' } });
    expect(loadSettings(app.appRoot, { ONE: 'environment' })).toEqual({
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      FUNCTIONS_WORKER_RUNTIME: 'node',
      ONE: 'environment',
      TWO: 'file',
    });
  });

  test('come from the environment alone where it says so', () => {
    app = writeFixtureApp({ source: '', localSettings: { TWO: 'file' } });
    expect(loadSettings(app.appRoot, { LOCAL_HOST_SETTINGS: 'environment' })).toEqual({
      AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
      FUNCTIONS_WORKER_RUNTIME: 'node',
      LOCAL_HOST_SETTINGS: 'environment',
    });
  });

  test('replace %NAME% wherever a binding uses it, and a missing one is named', () => {
    expect(resolveNames('%A%-%B%', { A: 'x', B: 'y' })).toBe('x-y');
    expect(() => resolveNames('%A%', {})).toThrow('"%A%" needs the setting A, and it is not set.');
  });

  test.each([
    ['1', true],
    ['True', true],
    ['0', false],
    ['', false],
  ])('switch a function off: AzureWebJobs.work.Disabled=%j is %s', (value, disabled) => {
    expect(isDisabled('work', { 'AzureWebJobs.work.Disabled': value })).toBe(disabled);
  });

  test('give the lease: ten minutes, or what LOCAL_HOST_LEASE_SECONDS says', () => {
    expect(leaseSeconds({})).toBe(600);
    expect(leaseSeconds({ LOCAL_HOST_LEASE_SECONDS: '2' })).toBe(2);
    expect(() => leaseSeconds({ LOCAL_HOST_LEASE_SECONDS: 'short' })).toThrow(
      'LOCAL_HOST_LEASE_SECONDS is "short"',
    );
  });
});
