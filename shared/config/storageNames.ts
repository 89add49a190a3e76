import * as z from 'zod';
import { withDefault } from './settingNotes.ts';
import { whenRight } from './whenRight.ts';

/** https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata */
const QUEUE_NAME = /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const QUEUE_RULE = 'lower-case letters, digits and single hyphens, with a letter or digit at both ends';

/** https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#table-names */
const TABLE_NAME = /^(?!tables$)[A-Za-z][A-Za-z0-9]{2,62}$/i;
const TABLE_RULE = '3 to 63 letters and digits, a letter first; not "tables", which is reserved';

/** The queue that the Functions host puts a message into when it gives up; the name is the host's. */
export function poisonQueueOf(queue: string): string {
  return `${queue}-poison`;
}

/** The names of queues and tables. */
export const storageNameSettings = z.object({
  ALERTS_QUEUE: withDefault(
    z
      .string()
      .regex(QUEUE_NAME)
      .refine((name) => QUEUE_NAME.test(poisonQueueOf(name))),
    {
      default: 'alerts',
      what: 'Queue the alerts come in by. Dead letters go to the queue of the same name with `-poison` at its end.',
      allowed: `3 to 56 characters: ${QUEUE_RULE}`,
    },
  ),
  ENRICHMENTS_QUEUE: withDefault(z.string().regex(QUEUE_NAME), {
    default: 'enrichments',
    what: 'Queue the enrichments go out by.',
    allowed: `3 to 63 characters: ${QUEUE_RULE}; neither the alerts queue nor its \`-poison\` queue`,
  }),
  ENRICHMENTS_TABLE: withDefault(z.string().regex(TABLE_NAME), {
    default: 'AlertEnrichments',
    what: 'Table that keeps the enrichment of each alert.',
    allowed: TABLE_RULE,
  }),
  STATE_TABLE: withDefault(z.string().regex(TABLE_NAME), {
    default: 'EnrichmentState',
    what: 'Table that keeps what all instances share: the quota ledger and the circuit.',
    allowed: `${TABLE_RULE}; not the enrichments table`,
  }),
});

export const storageNamesSchema = storageNameSettings
  .refine(
    (names) => ![names.ALERTS_QUEUE, poisonQueueOf(names.ALERTS_QUEUE)].includes(names.ENRICHMENTS_QUEUE),
    {
      path: ['ENRICHMENTS_QUEUE'],
      when: whenRight('ALERTS_QUEUE', 'ENRICHMENTS_QUEUE'),
    },
  )
  // Table Storage does not tell upper case from lower.
  .refine((names) => names.ENRICHMENTS_TABLE.toLowerCase() !== names.STATE_TABLE.toLowerCase(), {
    path: ['STATE_TABLE'],
    when: whenRight('ENRICHMENTS_TABLE', 'STATE_TABLE'),
  })
  .transform((names) => ({
    queues: {
      alerts: names.ALERTS_QUEUE,
      poison: poisonQueueOf(names.ALERTS_QUEUE),
      enrichments: names.ENRICHMENTS_QUEUE,
    },
    tables: { enrichments: names.ENRICHMENTS_TABLE, state: names.STATE_TABLE },
  }));
