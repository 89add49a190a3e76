import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential } from '@azure/identity';

/** Opens a table by the same settings that the trigger uses: a connection string, or an address and an identity. */
export function openTable(name) {
  const { EnrichmentsStorage, EnrichmentsStorage__tableServiceUri, AZURE_FUNCTIONS_ENVIRONMENT } =
    process.env;
  if (EnrichmentsStorage) {
    const allowInsecureConnection = AZURE_FUNCTIONS_ENVIRONMENT === 'Development';
    return TableClient.fromConnectionString(EnrichmentsStorage, name, { allowInsecureConnection });
  }
  const managedIdentityClientId = process.env.EnrichmentsStorage__clientId;
  return new TableClient(
    EnrichmentsStorage__tableServiceUri,
    name,
    new DefaultAzureCredential({ managedIdentityClientId }),
  );
}

/** The device in the row that a pointer names. A long text is cut into columns: `device`, `device2`, `device3`, ... */
export async function readDevice({ table, partitionKey, rowKey }) {
  const row = await openTable(table).getEntity(partitionKey, rowKey);
  let text = row.device;
  for (let number = 2; row[`device${number}`] !== undefined; number += 1) {
    text += row[`device${number}`];
  }
  return text === undefined ? undefined : JSON.parse(text);
}
