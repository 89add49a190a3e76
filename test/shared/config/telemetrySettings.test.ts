import { expect, test } from 'vitest';
import { problemsWith, settingsWith } from './problems.ts';

const KEY = 'InstrumentationKey=00000000-0000-0000-0000-000000000001';

test('telemetry is off, and its other settings are left alone then: they may be meant for the host', () => {
  expect(settingsWith({}).telemetry).toEqual({ kind: 'off' });
  const ofHost = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' };
  expect(settingsWith(ofHost).telemetry).toEqual({ kind: 'off' });
  expect(problemsWith({ TELEMETRY: 'on' })).toEqual({
    TELEMETRY: 'got "on"; allowed: `off`, `otlp`, `azure-monitor`.',
  });
});

test('a collector needs an address of http, and takes protobuf', () => {
  expect(settingsWith({ TELEMETRY: 'otlp' }).telemetry).toEqual({ kind: 'otlp' });
  expect(
    settingsWith({ TELEMETRY: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c.test/otlp' }).telemetry,
  ).toEqual({
    kind: 'otlp',
  });
  const wrong = {
    TELEMETRY: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
  };
  expect(Object.keys(problemsWith(wrong)).sort()).toEqual([
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_PROTOCOL',
  ]);
});

test.each([
  `${KEY};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;LiveEndpoint=https://x.test/`,
  `${KEY};IngestionEndpoint=https://usgovvirginia-1.in.applicationinsights.azure.us/`,
  KEY,
])('Application Insights takes the connection string that Azure gives: %s', (connectionString) => {
  const settings = { TELEMETRY: 'azure-monitor', APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString };
  expect(settingsWith(settings).telemetry).toEqual({
    kind: 'azure-monitor',
    connectionString,
    identity: undefined,
  });
  const signedIn = {
    ...settings,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=abc;Authorization=AAD',
  };
  expect(settingsWith(signedIn).telemetry).toMatchObject({ identity: { clientId: 'abc' } });
});

test.each([
  undefined,
  'nonsense',
  'IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/',
  `${KEY};IngestionEndpoint=http://westeurope-5.in.applicationinsights.azure.com/`,
  `${KEY};IngestionEndpoint=https://applicationinsights.azure.com.evil.test/`,
])('a token goes to Azure Monitor alone, and the string is never shown: %s', (connectionString) => {
  const problems = problemsWith({
    TELEMETRY: 'azure-monitor',
    ...(connectionString !== undefined && { APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString }),
  });
  expect(Object.keys(problems)).toEqual(['APPLICATIONINSIGHTS_CONNECTION_STRING']);
  expect(JSON.stringify(problems)).not.toContain('00000000-0000');
});
