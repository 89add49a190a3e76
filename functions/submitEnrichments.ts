import { app } from '@azure/functions';
import { ALL_METHODS, registration } from './registration.ts';
import { loadedLate } from './startup.ts';

app.http('submitEnrichments', {
  route: 'enrichments',
  methods: ALL_METHODS,
  authLevel: registration.authLevel,
  handler: loadedLate(async () => (await import('./handlers/submitEnrichments.ts')).createSubmitEnrichments),
});
