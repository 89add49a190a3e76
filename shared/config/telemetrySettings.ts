import * as z from 'zod';
import { LOOPBACK_HOST } from './apiHosts.ts';
import { optional, parsedBy, whenValid, withDefault } from './setting.ts';

/**
 * The settings of telemetry. The names but for the first are those of OpenTelemetry and of Application Insights, whose
 * libraries read them, and further ones of theirs, by themselves; here they are checked where they count.
 */
export const telemetrySettings = z.object({
  TELEMETRY: withDefault(z.enum(['off', 'otlp', 'azure-monitor']), {
    default: 'off',
    what: 'Where traces and metrics go: nowhere, to a collector that takes OTLP, or to Application Insights (docs/telemetry.md).',
    allowed: '`off`, `otlp`, `azure-monitor`',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(z.string(), {
    what: 'Address of the collector with `TELEMETRY` `otlp`; `http://localhost:4318` when left out.',
    allowed: 'an http or https address, to which `/v1/traces` and `/v1/metrics` are added',
    secret: true,
  }),
  OTEL_EXPORTER_OTLP_PROTOCOL: optional(z.string(), {
    what: 'How telemetry is sent with `TELEMETRY` `otlp`.',
    allowed: '`http/protobuf`, which is what happens when it is left out',
  }),
  OTEL_EXPORTER_OTLP_HEADERS: optional(z.string(), {
    what: 'Headers that the collector asks for, such as a key.',
    allowed: '`name=value`, several with commas between',
    secret: true,
  }),
  OTEL_SERVICE_NAME: optional(z.string(), {
    what: 'Name of the app in traces and metrics; when left out the name of the app in Azure, else `defender-alert-enrichment`.',
    allowed: 'any text',
  }),
  OTEL_RESOURCE_ATTRIBUTES: optional(z.string(), {
    what: 'What else traces and metrics say about the app, such as `deployment.environment.name=production`.',
    allowed: '`name=value`, several with commas between',
  }),
  APPLICATIONINSIGHTS_CONNECTION_STRING: optional(z.string(), {
    what: 'Where Application Insights takes telemetry in; the Functions host reads it too. Needed with `TELEMETRY` `azure-monitor`.',
    allowed:
      'a connection string with `InstrumentationKey` and, where it has one, an https `IngestionEndpoint` of Azure Monitor',
    secret: true,
  }),
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: optional(parsedBy(parseAuthentication), {
    what: 'How to sign in to Application Insights with `TELEMETRY` `azure-monitor`: by managed identity, or (when left out) by the connection string alone.',
    allowed: '`Authorization=AAD`, with `;ClientId=<client ID>` for a user-assigned identity',
  }),
});

/** Where telemetry goes. */
export type TelemetrySettings =
  | { kind: 'off' }
  | { kind: 'otlp' }
  | {
      kind: 'azure-monitor';
      connectionString: string;
      /** Undefined where the connection string alone opens the service. */
      identity: { clientId: string | undefined } | undefined;
    };

const isEndpoint = (text = 'http://localhost:4318') =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

export const telemetrySchema = telemetrySettings
  .refine(
    ({ TELEMETRY, OTEL_EXPORTER_OTLP_ENDPOINT }) =>
      TELEMETRY !== 'otlp' || isEndpoint(OTEL_EXPORTER_OTLP_ENDPOINT),
    {
      path: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
      when: whenValid('TELEMETRY'),
    },
  )
  .refine(
    ({ TELEMETRY, OTEL_EXPORTER_OTLP_PROTOCOL = 'http/protobuf' }) =>
      TELEMETRY !== 'otlp' || OTEL_EXPORTER_OTLP_PROTOCOL === 'http/protobuf',
    { path: ['OTEL_EXPORTER_OTLP_PROTOCOL'], when: whenValid('TELEMETRY') },
  )
  .refine(
    ({ TELEMETRY, APPLICATIONINSIGHTS_CONNECTION_STRING = '' }) =>
      TELEMETRY !== 'azure-monitor' || isInsightsConnection(APPLICATIONINSIGHTS_CONNECTION_STRING),
    { path: ['APPLICATIONINSIGHTS_CONNECTION_STRING'], when: whenValid('TELEMETRY') },
  )
  .transform((settings): { telemetry: TelemetrySettings } => {
    if (settings.TELEMETRY !== 'azure-monitor') {
      return { telemetry: { kind: settings.TELEMETRY } };
    }
    const { APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString = '' } = settings;
    const identity = settings.APPLICATIONINSIGHTS_AUTHENTICATION_STRING;
    return { telemetry: { kind: 'azure-monitor', connectionString, identity } };
  });

const fieldsOf = (text: string) =>
  new Map(
    text.split(';').map((part) => {
      const [name = '', ...value] = part.split('=');
      return [name.trim().toLowerCase(), value.join('=').trim()] as const;
    }),
  );

/** Hosts that take telemetry in, of all clouds; a token for Azure Monitor goes to no other. */
const INGESTION_HOST =
  /(^|\.)(applicationinsights\.(azure\.(com|us|cn)|us)|services\.visualstudio\.com|monitor\.azure\.(com|us|cn))$/;

function isInsightsConnection(text: string): boolean {
  const fields = fieldsOf(text);
  const endpoint = fields.get('ingestionendpoint') || 'https://dc.services.visualstudio.com';
  if (!fields.get('instrumentationkey') || !URL.canParse(endpoint)) {
    return false;
  }
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'https:' && (INGESTION_HOST.test(hostname) || LOOPBACK_HOST.test(hostname));
}

function parseAuthentication(text: string): { clientId: string | undefined } | undefined {
  const fields = fieldsOf(text);
  return fields.get('authorization')?.toLowerCase() === 'aad'
    ? { clientId: fields.get('clientid') || undefined }
    : undefined;
}
