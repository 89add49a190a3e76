import { expect, test } from 'vitest';
import { registrationFrom } from '#functions/registration.ts';
import { readSettings } from '#shared/config/settings.ts';

const storage = { AlertsStorage: 'UseDevelopmentStorage=true' };

test.each<Record<string, string>>([
  {},
  { ALERTS_QUEUE: '', ALERT_POLL_SCHEDULE: '', HTTP_AUTHORIZATION: '' },
  { ALERTS_QUEUE: 'our-alerts', ALERT_POLL_SCHEDULE: '0 */5 * * * *', HTTP_AUTHORIZATION: 'key' },
  { HTTP_AUTHORIZATION: 'entra' },
])('the functions are registered with what the settings say: %j', (environment) => {
  const { queues, polling, http } = readSettings({ ...storage, ...environment });
  expect(registrationFrom(environment)).toEqual({
    alertsQueue: queues.alerts,
    servesTenants: false,
    pollSchedule: polling.schedule,
    authLevel: http.authorization === 'entra' ? 'anonymous' : 'function',
  });
});

test('one timer a minute serves the schedules of several tenants', () => {
  const environment = { DEFENDER_APP_ID: 'an ID', ALERT_POLL_SCHEDULE: '0 */5 * * * *' };
  expect(registrationFrom(environment)).toMatchObject({ servesTenants: true, pollSchedule: '0 * * * * *' });
});
