import { randomUUID } from 'node:crypto';
import { counted } from '#shared/text.ts';
import { tenantSettings } from '../stack/appSettings.ts';
import { createServerCertificate } from '../stack/serverCertificate.ts';
import type { SimulatorProcess } from '../stack/simulatorProcess.ts';
import { createTenantsTable } from '../stack/tenantStack.ts';
import type { Sample } from './samples.ts';
import type { SimulatorClient } from './simulatorClient.ts';

/** What a demo of several tenants needs beside that of one: a service to sign in to them, and a row for each. */
export interface DemoTenants {
  /** Options of the simulator. */
  readonly commandLine: readonly string[];
  /** Names the customers in the table of tenants. @returns The settings by which the app serves them. */
  connect(
    azurite: { connectionString: string },
    simulator: SimulatorProcess,
  ): Promise<Record<string, string>>;
  /** Deletes the certificate. */
  remove(): Promise<void>;
}

/** @param count With the home tenant. */
export async function createDemoTenants(count: number): Promise<DemoTenants> {
  const server = await createServerCertificate();
  const clientId = randomUUID();
  const { certificateFile, keyFile } = server;
  return {
    commandLine: [
      ...['--tenants', String(count), '--client-id', clientId],
      ...['--sign-in-certificate', certificateFile, '--sign-in-key', keyFile],
    ],
    async connect(azurite, simulator) {
      await createTenantsTable(azurite, simulator.tenants.slice(1));
      return tenantSettings(simulator, clientId, server.authorityFile);
    },
    remove: server.remove,
  };
}

/** A tenant, as the simulator calls it. */
export type Customer = SimulatorProcess['tenants'][number];

const ALERTS_OF_A_CUSTOMER = 4;

/** Alerts of a customer, in messages that name its tenant. */
export async function createCustomerSamples(
  { tenantId, name }: Customer,
  simulator: SimulatorClient,
): Promise<Sample[]> {
  const alertIds = await simulator.knownAlertIds(tenantId);
  return alertIds.slice(0, ALERTS_OF_A_CUSTOMER).map((alertId) => ({
    form: name,
    text: JSON.stringify({ alertId, tenantId }),
    alertIds: [alertId],
    rejections: 0,
  }));
}

/** What a person sees of the customer that has not given its consent yet, when all others are done. */
export function consentLines({ name }: Customer): string[] {
  return [
    '',
    `${name} has not given its consent, so its ${counted(ALERTS_OF_A_CUSTOMER, 'alert')} wait, and those of nobody else.`,
    'Its administrator gives it now:',
    '',
  ];
}
