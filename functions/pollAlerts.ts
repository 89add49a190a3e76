import { app } from '@azure/functions';
import { registration } from './registration.ts';
import { loadedLate } from './startup.ts';

const { pollSchedule } = registration;

if (pollSchedule !== undefined) {
  app.timer('pollAlerts', {
    schedule: pollSchedule,
    handler: loadedLate(async () => (await import('./handlers/pollAlerts.ts')).createPollAlerts),
  });
}
