import { readFileSync } from 'node:fs';
import type { Delivery } from '#shared/intake/queueMessage.ts';
import { type Intake, readMessage } from '#shared/intake/readMessage.ts';

export const ALERT_ID = 'da637472900382838869_1364969609';
export const MACHINE_ID = '1e5bc9d7e413ddd7902c2932e418702b84d0cc07';
export const TENANT_ID = '12345678-9abc-def0-1234-56789abcdef0';
export const MESSAGE_ID = '3e1f6c0a-52d5-4a55-9d0b-6f2f5a9f7a11';
export const NOW = new Date('2026-02-10T09:00:00Z');

/** The metadata of a message whose payload replaced none of it. */
export const delivery: Delivery = {
  id: MESSAGE_ID,
  insertionTime: '2026-02-10T08:59:58+00:00',
  expirationTime: '2026-02-17T08:59:58+00:00',
};

/** A sample message as text. */
export function sample(name: string): string {
  return readFileSync(new URL(`../../fixtures/messages/${name}.json`, import.meta.url), 'utf8');
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The message as the Functions library hands it over: parsed where it is JSON. */
export function asDelivered(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function read(body: unknown): Intake {
  return readMessage(body, delivery, NOW);
}

/** The parts of an intake that most tests are about. */
export function alertIdsIn(intake: Intake): string[] {
  return intake.submissions.map((submission) => submission.alertId);
}

export function reasonsIn(intake: Intake): string[] {
  return intake.rejections.map((rejection) => rejection.reason);
}
