import { ManagedIdentityCredential } from '@azure/identity';
import { AzureMonitorMetricExporter, AzureMonitorTraceExporter } from '@azure/monitor-opentelemetry-exporter';
import type { TelemetrySettings } from '../config/telemetrySettings.ts';
import type { Exporters } from './start.ts';

/**
 * Sends to Application Insights. What cannot be sent is dropped and not kept on the disk, and the exporter tells Microsoft
 * nothing about itself.
 */
export function createAzureMonitorExporters({
  connectionString,
  identity,
}: Extract<TelemetrySettings, { kind: 'azure-monitor' }>): Exporters {
  // It takes this from nowhere but the environment.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT ??= 'true';
  process.env.APPLICATIONINSIGHTS_SDKSTATS_DISABLED ??= 'true';
  const options = {
    connectionString,
    disableOfflineStorage: true,
    ...(identity !== undefined && { credential: credentialOf(identity) }),
  };
  return {
    spans: new AzureMonitorTraceExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
  };
}

function credentialOf({ clientId }: { clientId: string | undefined }): ManagedIdentityCredential {
  return clientId === undefined
    ? new ManagedIdentityCredential()
    : new ManagedIdentityCredential({ clientId });
}
