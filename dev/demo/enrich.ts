/** Command line of `npm run enrich`: submits alerts to the running app, waits, and prints their enrichments as JSON. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keepLocalTrafficFromProxies } from '#shared/config/proxy.ts';
import { formatDuration } from '#shared/config/setting.ts';
import { readSettings, type Settings } from '#shared/config/settings.ts';
import { createEnrichmentTable, DEVICE_ROW_KEY } from '#shared/storage/enrichmentTable.ts';
import { createStorageClients } from '#shared/storage/storageClients.ts';
import { hasStatus } from '#shared/storage/storageError.ts';
import { loadSettings } from '../host/settings.ts';
import {
  awaitEnrichment,
  ENRICH_USAGE,
  type EnrichOptions,
  parseEnrichOptions,
  submitAlert,
} from './enrichAlert.ts';
import { readStackFile } from './stackFile.ts';

const APP_ROOT = fileURLToPath(new URL('../../', import.meta.url));

keepLocalTrafficFromProxies(process.env);
try {
  const options = parseEnrichOptions(process.argv.slice(2));
  if (options.help) {
    console.log(ENRICH_USAGE);
  } else {
    process.exitCode = await enrich(options);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function enrich({ alertIds, timeoutMs, stackFile }: EnrichOptions): Promise<number> {
  const settings = findSettings(stackFile);
  const { queues, tables, storage } = settings;
  const clients = createStorageClients(storage);
  const records = createEnrichmentTable(clients.table(tables.enrichments));
  const deadline = Date.now() + timeoutMs;
  const submissions = await Promise.all(
    alertIds.map((alertId) => submitAlert(clients.queue(queues.alerts), alertId)),
  ).catch((error: unknown) => {
    throw new Error(whyNotSubmitted(error, queues.alerts), { cause: error });
  });

  let exitCode = 0;
  for (const submission of submissions) {
    const enrichment = await awaitEnrichment(submission, records, settings.message, deadline);
    if (enrichment?.outcome !== 'enriched') {
      exitCode = 1;
    }
    if (enrichment !== undefined) {
      console.log(JSON.stringify(enrichment, null, 2));
    } else {
      console.error(
        `${submission.alertId} is not final after ${formatDuration(timeoutMs)}: the app may not be running, or the ` +
          `alert waits for another look. The app goes on without us; see table ${tables.enrichments}, partition ` +
          `"${submission.alertId}", row "${DEVICE_ROW_KEY}", or wait longer with --timeout.`,
      );
    }
  }
  return exitCode;
}

/** @throws Error in words for a person when there is nothing to submit to. */
function findSettings(stackFile: string): Settings {
  const reading = readStackFile(stackFile);
  if (reading.kind === 'running') {
    return readSettings(reading.stack.settings);
  }
  if (reading.kind === 'stale') {
    throw new Error(
      `${stackFile} is left over from a demo that does not run any more. Start a new one with "npm start", or delete ` +
        'the file to use the storage that local.settings.json names.',
    );
  }
  if (existsSync(`${APP_ROOT}local.settings.json`)) {
    return readSettings(loadSettings(APP_ROOT, process.env));
  }
  throw new Error(
    'No app was found to submit to. Run "npm start" in another terminal, or copy local.settings.sample.json to ' +
      'local.settings.json, name your storage there, and run "npm run host".',
  );
}

function whyNotSubmitted(error: unknown, queue: string): string {
  if (hasStatus(error, 404)) {
    return `There is no queue "${queue}" in the storage account yet: the app creates it when it starts. Run "npm run host".`;
  }
  const reason = error instanceof Error ? error.message : String(error);
  return `The storage account could not be used: ${reason}`;
}
