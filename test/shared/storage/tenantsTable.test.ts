import { TableClient } from '@azure/data-tables';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Azurite, startAzurite } from '#dev/stack/azurite.ts';
import { createTenantsTable } from '#shared/storage/tenantsTable.ts';
import type { Tenant } from '#shared/tenants/tenantRow.ts';
import { settingsWith } from '../config/problems.ts';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.stop());

const settings = settingsWith({});
const tenant = (id: string, overrides: Tenant['overrides'] = {}): Tenant => ({
  id,
  name: undefined,
  enabled: true,
  callers: [],
  overrides,
});
const contoso = tenant('aaaaaaaa-1111-4222-8333-444444444444', { geo: 'eu' });
const fabrikam = tenant('bbbbbbbb-1111-4222-8333-444444444444', { quotaShare: '0.5' });

function open(name: string) {
  const options = { allowInsecureConnection: true };
  return TableClient.fromConnectionString(azurite.connectionString, name, options);
}

test('tenants are added, changed and removed, and each change is another version', async () => {
  const table = open('Tenants');
  await table.createTable();
  const rows = createTenantsTable(table, settings);
  await rows.upsert(contoso);
  await rows.upsert(fabrikam);

  const [first, second] = await rows.list();
  expect([first, second]).toEqual([
    { kind: 'tenant', tenant: contoso, version: expect.any(String) },
    { kind: 'tenant', tenant: fabrikam, version: expect.any(String) },
  ]);
  expect(await rows.get(contoso.id.toUpperCase())).toEqual(first);

  await rows.upsert({ ...contoso, overrides: {}, enabled: false });
  const changed = await rows.get(contoso.id);
  expect(changed).toMatchObject({ tenant: { enabled: false, overrides: {} } });
  expect(changed?.version).not.toBe(first?.version);

  expect(await rows.remove(contoso.id)).toBe(true);
  expect(await rows.remove(contoso.id)).toBe(false);
  expect(await rows.get(contoso.id)).toBeUndefined();
  expect(await rows.list()).toEqual([second]);
});

test('a broken row is told as such, and the others are read', async () => {
  const table = open('TenantsByHand');
  await table.createTable();
  const rows = createTenantsTable(table, settings);
  await rows.upsert(contoso);
  await table.createEntity({ partitionKey: 'tenant', rowKey: fabrikam.id, quotaShare: 7 });
  await table.createEntity({ partitionKey: 'note', rowKey: 'by a person' });

  const damage = expect.stringMatching(/^Column "quotaShare" got "7"; allowed: /);
  const broken = {
    kind: 'broken',
    tenant: { id: fabrikam.id, damage, callers: [] },
    version: expect.any(String),
  };
  expect(await rows.list()).toEqual([expect.objectContaining({ tenant: contoso }), broken]);
  expect(await rows.get(fabrikam.id)).toEqual(broken);
});

test('a table that is not there has no tenants', async () => {
  const rows = createTenantsTable(open('NoTenants'), settings);
  expect(await rows.list()).toEqual([]);
  expect(await rows.get(contoso.id)).toBeUndefined();
  expect(await rows.remove(contoso.id)).toBe(false);
});
