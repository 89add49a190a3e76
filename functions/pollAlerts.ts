import { app } from '@azure/functions';
import { registration } from './registration.ts';
import { loadedLate } from './startup.ts';

const { pollSchedule, servesTenants } = registration;

if (pollSchedule !== undefined) {
  app.timer('pollAlerts', {
    schedule: pollSchedule,
    handler: loadedLate(async () => {
      const { createPollAlerts, createPollTenants } = await import('./handlers/pollAlerts.ts');
      return servesTenants ? createPollTenants : createPollAlerts;
    }),
  });
}
