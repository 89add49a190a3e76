import { openTable } from './tables.js';

/** Remembers which submissions were handled, over restarts and for all instances. */
const table = openTable('HandledSubmissions');

/** Does nothing when the table exists, or when the identity may create none: then it was created up front. */
export async function createTable() {
  await table.createTable().catch((error) => {
    if (error.statusCode !== 403) {
      throw error;
    }
  });
}

export async function wasHandled({ alertId, submissionId }) {
  try {
    await table.getEntity(alertId, submissionId);
    return true;
  } catch (error) {
    if (error.statusCode === 404) {
      return false;
    }
    throw error;
  }
}

export async function markHandled({ alertId, submissionId, outcome }) {
  await table.upsertEntity({ partitionKey: alertId, rowKey: submissionId, outcome });
}
