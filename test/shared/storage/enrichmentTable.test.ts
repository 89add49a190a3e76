import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { FORMATS } from '#shared/config/outputSettings.ts';
import { normalizeMachine } from '#shared/device/normalize.ts';
import type { StoredAnswer } from '#shared/enrichment/answer.ts';
import type { Submission } from '#shared/intake/submission.ts';
import type { AlertRecords, Claim } from '#shared/pipeline/alertRecords.ts';
import { project } from '#shared/projections/projections.ts';
import { createEnrichmentTable } from '#shared/storage/enrichmentTable.ts';
import { laterBy, seenAt, submissionOf } from '../pipeline/submissions.ts';

let azurite: Azurite;
let table: TableClient;
let records: AlertRecords;

beforeAll(async () => {
  azurite = await startAzurite();
  table = openTable('AlertEnrichments');
  await table.createTable();
  records = createEnrichmentTable(table);
});

afterAll(() => azurite.stop());

function openTable(name: string): TableClient {
  return TableClient.fromConnectionString(azurite.connectionString, name, { allowInsecureConnection: true });
}

let alerts = 0;

/** A submission of an alert that no test has used yet. */
function newSubmission(): Submission {
  alerts += 1;
  return submissionOf({ alertId: `alert-${alerts}` });
}

function claimOf(submissionId: string, expiresAt = laterBy(150_000)): Claim {
  return { submissionId, messageId: submissionId, key: `key of ${submissionId}`, expiresAt };
}

function claimed({ alertId, submissionId }: Submission) {
  return expectRecord(records.create(alertId, claimOf(submissionId)));
}

async function expectRecord<T>(record: Promise<T | undefined>): Promise<T> {
  const value = await record;
  if (value === undefined) {
    throw new Error('the write was lost, or there is no row');
  }
  return value;
}

function enrichedWith(machine: { id: string; [property: string]: unknown }): StoredAnswer {
  return {
    outcome: 'enriched',
    submissionId: 'submission-1',
    sourceName: 'defender',
    retrievedAt: laterBy(1_000),
    storedAt: laterBy(2_000),
    attempts: 3,
    machine,
    device: normalizeMachine(machine, laterBy(1_000)),
  };
}

const unknown: StoredAnswer = {
  outcome: 'not_found',
  submissionId: 'submission-2',
  sourceName: 'defender',
  retrievedAt: laterBy(3_000),
  storedAt: laterBy(4_000),
  attempts: 4,
  error: { code: 'not_found', message: 'Defender knows no such alert' },
};

describe('the record of an alert', () => {
  test('is nothing until somebody claims it', async () => {
    expect(await records.read('alert-of-nobody')).toBeUndefined();
  });

  test('comes back as it was written, step by step', async () => {
    const submission = newSubmission();
    const { alertId } = submission;
    const created = await claimed(submission);
    expect(await records.read(alertId)).toEqual(created);
    const prolonged = await expectRecord(records.claim(created, claimOf('submission-1', laterBy(300_000))));
    expect(await records.read(alertId)).toEqual(prolonged);

    const answer = enrichedWith({
      id: 'machine-1',
      computerDnsName: 'lt-7.corp.example.com',
      riskScore: 'High',
    });
    const stored = await expectRecord(records.store(prolonged, answer));
    expect(stored.state).toEqual({ ...prolonged.state, answer });
    expect(await records.read(alertId)).toEqual(stored);

    const marked = await expectRecord(records.addPublished(stored, 'submission-1'));
    const read = await records.read(alertId);
    expect(read).toEqual(marked);
    expect(read?.state).toEqual({ claim: undefined, answer, published: ['submission-1'] });
  });

  test('has columns by which a person can filter', async () => {
    const submission = newSubmission();
    const machine = { id: 'machine-1', computerDnsName: 'LT-7.corp.example.com', riskScore: 'High' };
    await records.store(await claimed(submission), enrichedWith(machine));
    const filter = `deviceName eq 'lt-7' and riskLevel eq 'High' and outcome eq 'enriched' and PartitionKey eq '${submission.alertId}'`;
    const rows = [];
    for await (const row of table.listEntities({ queryOptions: { filter } })) {
      rows.push(row);
    }
    expect(rows).toMatchObject([
      {
        rowKey: 'device',
        deviceId: 'machine-1',
        sourceName: 'defender',
        attempts: 3,
        enrichedAt: laterBy(2_000),
      },
    ]);
  });

  test('has a column of JSON for each format, which comes back with the answer', async () => {
    const submission = newSubmission();
    const plain = enrichedWith({ id: 'machine-1', computerDnsName: 'lt-7.corp.example.com' });
    const formats = plain.device && project(plain.device, ['ecs', 'sentinel'], laterBy(1_000));
    const answer: StoredAnswer = { ...plain, formats };
    await records.store(await claimed(submission), answer);
    const row = await table.getEntity<{ sentinel: string; ecs: string }>(submission.alertId, 'device');
    expect(JSON.parse(row.sentinel)).toEqual(formats?.sentinel);
    expect(JSON.parse(row.ecs)).toEqual(formats?.ecs);
    expect(row).not.toHaveProperty('ocsf');
    expect((await records.read(submission.alertId))?.state.answer).toEqual(answer);
  });

  test('goes without formats when its row would become too long with them', async () => {
    const submission = newSubmission();
    const ipAddresses = Array.from({ length: 3_400 }, (_, index) => ({
      ipAddress: `10.1.${Math.floor(index / 250)}.${index % 250}`,
    }));
    const { device, ...plain } = enrichedWith({ id: 'machine-1', ipAddresses });
    const formats = device && project(device, FORMATS, laterBy(1_000));
    await records.store(await claimed(submission), { ...plain, device, formats });
    const answer = (await records.read(submission.alertId))?.state.answer;
    expect(answer).toEqual({ ...plain, device });
    expect(answer).not.toHaveProperty('formats');
  });

  test('holds a device that is too long for one column', async () => {
    const submission = newSubmission();
    const machine = {
      id: 'machine-1',
      computerDnsName: 'büro-💻',
      machineTags: Array.from({ length: 900 }, (_, index) => `tag ${index} ${'x'.repeat(60)}`),
      unknownLater: 'y'.repeat(40_000),
    };
    const answer = enrichedWith(machine);
    await records.store(await claimed(submission), answer);
    const read = await records.read(submission.alertId);
    expect(read?.state.answer).toEqual(answer);
    const row = await table.getEntity(submission.alertId, 'device');
    expect(row).toHaveProperty('machine3');
    expect(row).toHaveProperty('device2');
    for (const value of Object.values(row)) {
      if (typeof value === 'string') {
        expect(value.length).toBeLessThanOrEqual(32_768);
      }
    }
  });

  test('keeps nothing of a longer device when a shorter one replaces it', async () => {
    const submission = newSubmission();
    const long = enrichedWith({ id: 'machine-1', note: 'x'.repeat(100_000) });
    const first = await expectRecord(records.store(await claimed(submission), long));
    const short = enrichedWith({ id: 'machine-2' });
    await records.store(await expectRecord(records.addPublished(first, 'submission-1')), short);
    expect((await records.read(submission.alertId))?.state).toEqual({
      claim: undefined,
      answer: short,
      published: ['submission-1'],
    });
    expect(await table.getEntity(submission.alertId, 'device')).not.toHaveProperty('machine2');
  });

  test('keeps the last known device when the alert is unknown later, but answers not_found', async () => {
    const submission = newSubmission();
    const known = await expectRecord(
      records.store(await claimed(submission), enrichedWith({ id: 'machine-1' })),
    );
    const again = await expectRecord(records.claim(known, claimOf('submission-2', laterBy(9_000))));
    const stored = await expectRecord(records.store(again, unknown));
    const read = await records.read(submission.alertId);
    expect(read?.state.answer).toEqual(unknown);
    expect(read?.etag).toBe(stored.etag);
    expect(await table.getEntity(submission.alertId, 'device')).toMatchObject({ deviceId: 'machine-1' });
  });

  test('says that nobody answered when a failure follows an answer', async () => {
    const submission = newSubmission();
    const known = await expectRecord(records.store(await claimed(submission), unknown));
    const failed: StoredAnswer = {
      ...unknown,
      outcome: 'failed',
      retrievedAt: null,
      error: { code: 'source_unavailable', message: 'Defender answered 503' },
    };
    await records.store(known, failed);
    expect((await records.read(submission.alertId))?.state.answer).toEqual(failed);
  });

  test('ends the claim when its submission is published, so that the next one may look up at once', async () => {
    const submission = newSubmission();
    const stored = await expectRecord(records.store(await claimed(submission), unknown));
    const othersMark = await expectRecord(records.addPublished(stored, 'submission-of-another'));
    expect(othersMark.state.claim).toEqual(claimOf('submission-1'));
    await records.addPublished(othersMark, 'submission-1');
    const claim = (await records.read(submission.alertId))?.state.claim;
    expect(claim === undefined || claim.expiresAt < seenAt).toBe(true);
  });

  test('says why its submission was put back, until the next claim', async () => {
    const submission = newSubmission();
    const record = await claimed(submission);
    const claim = claimOf(submission.submissionId);
    const deferral = { reason: 'not_found', detail: 'Defender answered 404' };
    const held = await expectRecord(records.claim(record, { ...claim, deferral }));
    expect((await records.read(submission.alertId))?.state.claim).toEqual({ ...claim, deferral });
    const later = { ...claim, key: 'a later key' };
    await records.claim(held, later);
    expect((await records.read(submission.alertId))?.state.claim).toEqual(later);
  });

  test('remembers the last 500 submissions that were published', async () => {
    const submission = newSubmission();
    const record = await claimed(submission);
    const published = Array.from({ length: 600 }, (_, number) => `3a2f0c52-0000-4000-8000-${number}`);
    await records.addPublished({ ...record, state: { ...record.state, published } }, 'latest');
    const read = await records.read(submission.alertId);
    expect(read?.state.published).toHaveLength(500);
    expect(read?.state.published.at(-1)).toBe('latest');
  });
});

describe('a conditional write', () => {
  test('lets one of many create the record', async () => {
    const { alertId } = newSubmission();
    const created = await Promise.all(
      Array.from({ length: 10 }, (_, number) => records.create(alertId, claimOf(`submission-${number}`))),
    );
    expect(created.filter((record) => record !== undefined)).toHaveLength(1);
  });

  test('is lost, and changes nothing, when somebody wrote since the record was read', async () => {
    const submission = newSubmission();
    const old = await claimed(submission);
    const current = await expectRecord(records.claim(old, claimOf('submission-2', laterBy(9_000))));
    expect(await records.claim(old, claimOf('submission-1', laterBy(1)))).toBeUndefined();
    expect(await records.store(old, enrichedWith({ id: 'machine-1' }))).toBeUndefined();
    expect(await records.store(old, unknown)).toBeUndefined();
    expect(await records.addPublished(old, 'submission-1')).toBeUndefined();
    expect(await records.read(submission.alertId)).toEqual(current);
  });

  test('is lost when somebody deleted the row', async () => {
    const submission = newSubmission();
    const record = await claimed(submission);
    await table.deleteEntity(submission.alertId, 'device');
    expect(await records.addPublished(record, 'submission-1')).toBeUndefined();
    expect(await records.store(record, unknown)).toBeUndefined();
    expect(await records.read(submission.alertId)).toBeUndefined();
  });

  test('throws when the table is missing, instead of being lost for ever', async () => {
    const nowhere = createEnrichmentTable(openTable('Nowhere'));
    await expect(nowhere.create('alert-1', claimOf('submission-1'))).rejects.toMatchObject({
      statusCode: 404,
    });
  });
});

describe('a row that somebody else has written', () => {
  const answered = {
    rowVersion: 1,
    outcome: 'enriched',
    submissionId: 'submission-1',
    sourceName: 'defender',
    retrievedAt: seenAt,
    enrichedAt: seenAt,
    attempts: 1,
    device: JSON.stringify(normalizeMachine({ id: 'machine-1' }, seenAt)),
    machine: '{"id":"machine-1"}',
  };

  async function readRowWith(columns: Record<string, unknown>) {
    const { alertId } = newSubmission();
    await table.createEntity({ partitionKey: alertId, rowKey: 'device', ...columns });
    return (await records.read(alertId))?.state;
  }

  test('is read when it is understood', async () => {
    expect((await readRowWith(answered))?.answer).toMatchObject({
      outcome: 'enriched',
      device: { id: 'machine-1' },
    });
  });

  test.each<[string, Record<string, unknown>]>([
    ['of an older version', { rowVersion: 0 }],
    ['of a newer version', { rowVersion: 2 }],
    ['whose version is a text', { rowVersion: '1' }],
    ['with an unknown outcome', { outcome: 'done' }],
    ['with a time that is a text', { enrichedAt: 'yesterday' }],
    ['with a device that is no JSON', { device: '{"id":' }],
    ['with a device of another schema', { device: '{"schemaVersion":"9.0","id":"machine-1"}' }],
    ['with a machine that is none', { machine: '[]' }],
    ['with attempts that are no number', { attempts: 'many' }],
  ])('%s is no answer: the alert is looked up anew', async (_, columns) => {
    expect((await readRowWith({ ...answered, ...columns }))?.answer).toBeUndefined();
  });

  test.each([
    ['no JSON', '{"Type":'],
    ['no object', '["host"]'],
  ])('with a format that is %s has its answer without it', async (_, sentinel) => {
    const answer = (await readRowWith({ ...answered, sentinel }))?.answer;
    expect(answer).toMatchObject({ device: { id: 'machine-1' } });
    expect(answer).not.toHaveProperty('formats');
  });

  test('with nothing in it says nothing', async () => {
    expect(await readRowWith({})).toEqual({ claim: undefined, answer: undefined, published: [] });
  });

  test('with rubbish in every column says nothing', async () => {
    const rubbish = Object.fromEntries(
      [...Object.keys(answered), 'claimedBy', 'claimExpiresAt', 'published'].map((name) => [name, true]),
    );
    expect(await readRowWith(rubbish)).toEqual({ claim: undefined, answer: undefined, published: [] });
    expect((await readRowWith({ published: '{"a":1}' }))?.published).toEqual([]);
  });

  test('can be claimed and answered like any other', async () => {
    const { alertId } = newSubmission();
    await table.createEntity({
      partitionKey: alertId,
      rowKey: 'device',
      ...answered,
      rowVersion: 0,
      machine2: 'old',
    });
    const record = await expectRecord(records.read(alertId));
    const claim = await expectRecord(records.claim(record, claimOf('submission-1', laterBy(9_000))));
    const answer = enrichedWith({ id: 'machine-9' });
    await records.store(claim, answer);
    expect((await records.read(alertId))?.state.answer).toEqual(answer);
  });
});

describe('an announcement', () => {
  test('makes an alert known that nobody works on, and lets itself be claimed', async () => {
    const submission = newSubmission();
    await records.announce(submission.alertId);
    const record = await expectRecord(records.read(submission.alertId));
    expect(record.state).toEqual({ claim: undefined, answer: undefined, published: [] });
    expect(await records.claim(record, claimOf(submission.submissionId))).toBeDefined();
  });

  test('changes nothing about an alert that is known', async () => {
    const submission = newSubmission();
    const { etag } = await claimed(submission);
    await records.announce(submission.alertId);
    expect((await records.read(submission.alertId))?.etag).toBe(etag);
  });
});
