import { readFileSync } from 'node:fs';
import { CloudEvent } from 'cloudevents';
import { describe, expect, test } from 'vitest';
import { readMessage } from '#shared/intake/readMessage.ts';
import { ALERT_ID, asDelivered, base64, delivery, MACHINE_ID, NOW, read, TENANT_ID } from './support.ts';

/** An event as a subscription of Event Grid puts it into a queue. */
function event(name: string): string {
  return readFileSync(new URL(`../../fixtures/events/${name}.json`, import.meta.url), 'utf8');
}

const EVENT_ID = '1807a2b3-5d4e-4f6a-8b9c-0d1e2f3a4b5c';

describe.each(['event-grid-schema', 'cloud-events-schema', 'cloud-events-of-event-grid-topic'])(
  'an event that a subscription delivers in the %s',
  (name) => {
    const text = event(name);

    test.each([
      ['base64, as Event Grid writes it', base64(text)],
      ['plain, as it wrote earlier', asDelivered(text)],
      ['in an array, as it posts to webhooks', [JSON.parse(text)]],
    ])('is one submission: %s', (_, body) => {
      expect(read(body)).toMatchObject({
        rejections: [],
        submissions: [
          { alertId: ALERT_ID, machineId: MACHINE_ID, tenantId: TENANT_ID, correlationId: EVENT_ID },
        ],
      });
    });

    test('that arrives twice is two submissions with one correlation ID, as they are two messages', () => {
      const again = { ...delivery, id: 'c2a1d3f4-0b1c-4d2e-8f3a-4b5c6d7e8f90' };
      const [first, second] = [delivery, again].map(
        (metadata) => readMessage(base64(text), metadata, NOW).submissions[0],
      );
      expect(second?.submissionId).not.toBe(first?.submissionId);
      expect(second?.correlationId).toBe(first?.correlationId);
    });
  },
);

test('the sample of a CloudEvent is valid to the CloudEvents SDK', () => {
  expect(new CloudEvent(JSON.parse(event('cloud-events-schema'))).validate()).toBe(true);
});

test('a dataschema that is no URI, as Event Grid makes of a dataVersion, does no harm', () => {
  const translated = JSON.parse(event('cloud-events-of-event-grid-topic'));
  expect(() => new CloudEvent(translated)).toThrow(/dataschema/);
  expect(read(translated).rejections).toEqual([]);
});

test('an event about something else, from a subscription without a filter, is a dead letter that says so', () => {
  expect(read(base64(event('blob-created')))).toMatchObject({
    submissions: [],
    rejections: [{ reason: 'not-an-alert' }],
  });
});
