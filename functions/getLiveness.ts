import { app } from '@azure/functions';
import { ALL_METHODS } from './registration.ts';

app.http('getLiveness', {
  route: 'live',
  methods: ALL_METHODS,
  authLevel: 'anonymous',
  // It waits for nothing else of the app.
  handler: async (request, context) =>
    (await import('./handlers/getLiveness.ts')).getLiveness(request, context),
});
