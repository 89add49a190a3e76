import type { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';
import { DEVICE_ROW_KEY } from '#shared/storage/enrichmentTable.ts';

type Columns = Record<string, unknown>;

/** What the app wrote for one alert. */
interface Specimen {
  /** The columns of the row's three writes. */
  claim: Columns;
  answer: Columns;
  published: Columns;
  message: string;
}

/** What the app wrote in a run: the floor writes the same. */
export interface Specimens {
  alerts: Specimen[];
  ledger: Columns & { partitionKey: string; rowKey: string };
}

const CLAIM = ['claimedBy', 'claimMessage', 'claimKey', 'claimExpiresAt'];
/** Of the service, which a write does not name. */
const OF_SERVICE = ['etag', 'timestamp', 'odata.metadata', 'partitionKey', 'rowKey'];
const MOST_SPECIMENS = 32;

/** Reads back some of what a run of the app has left. */
export async function readSpecimens(
  enrichments: TableClient,
  messages: QueueClient,
  state: TableClient,
): Promise<Specimens> {
  const { peekedMessageItems } = await messages.peekMessages({ numberOfMessages: MOST_SPECIMENS });
  const alerts = await Promise.all(
    peekedMessageItems.map(async ({ messageText }): Promise<Specimen> => {
      const { alertId } = JSON.parse(Buffer.from(messageText, 'base64').toString('utf8'));
      const row = without(await enrichments.getEntity<Columns>(alertId, DEVICE_ROW_KEY), OF_SERVICE);
      const published = pick(row, [...CLAIM, 'published']);
      return { claim: pick(row, CLAIM), answer: row, published, message: messageText };
    }),
  );
  for await (const ledger of state.listEntities<Columns>({
    queryOptions: { filter: "RowKey eq 'ledger'" },
  })) {
    const { partitionKey = '', rowKey = '' } = ledger;
    return { alerts, ledger: { partitionKey, rowKey, ...without(ledger, OF_SERVICE) } };
  }
  throw new Error('The run of the app has left no ledger.');
}

function pick(columns: Columns, names: readonly string[]): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => names.includes(name)));
}

function without(columns: Columns, names: readonly string[]): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => !names.includes(name)));
}
