import { describe, expect, test } from 'vitest';
import { createHomeRouter, createTenantRouter } from '#shared/tenants/tenantRouter.ts';
import type { TenantRow } from '#shared/tenants/tenantRow.ts';
import { brokenRowOf, CONTOSO, directoryOf, FABRIKAM, HOME, rowOf } from './tenants.ts';

function createRouter(rows: TenantRow[], homeTenant: string | undefined = HOME) {
  let opened = 0;
  return createTenantRouter<string>({
    home: 'home',
    homeTenant: async () => homeTenant,
    directory: directoryOf(rows),
    open(tenant) {
      opened += 1;
      return `${tenant.id} #${opened}`;
    },
  });
}

const home = { kind: 'served', scope: 'home' };

describe('a deployment of several tenants', () => {
  test.each([undefined, '', '  ', HOME, HOME.toUpperCase()])(
    'takes %j for the home tenant',
    async (tenantId) => {
      expect(await createRouter([rowOf(CONTOSO)]).route(tenantId)).toEqual(home);
    },
  );

  test("takes the home tenant's ID for home even where a row has it", async () => {
    const router = createRouter([rowOf(HOME), rowOf(CONTOSO)]);
    expect(await router.route(HOME)).toEqual(home);
    expect((await router.customers()).scopes).toEqual([`${CONTOSO} #1`]);
  });

  test("keeps a tenant's parts while its row is the same, and makes them anew when it changes", async () => {
    const rows = [rowOf(CONTOSO)];
    const { route } = createRouter(rows);
    expect(await route(CONTOSO)).toEqual({ kind: 'served', scope: `${CONTOSO} #1` });
    expect(await route(CONTOSO.toUpperCase())).toEqual({ kind: 'served', scope: `${CONTOSO} #1` });
    rows[0] = rowOf(CONTOSO, {}, '2');
    expect(await route(CONTOSO)).toEqual({ kind: 'served', scope: `${CONTOSO} #2` });
  });

  test('refuses a tenant whose row is removed or disabled, and makes its parts anew when it is back', async () => {
    const rows: TenantRow[] = [rowOf(CONTOSO), rowOf(FABRIKAM)];
    const { route } = createRouter(rows);
    await route(CONTOSO);
    rows.shift();
    expect(await route(CONTOSO)).toMatchObject({ kind: 'refused', reason: 'unknown-tenant' });
    rows.push(rowOf(CONTOSO, { enabled: false }));
    expect(await route(CONTOSO)).toMatchObject({ kind: 'refused' });
    expect(await route(FABRIKAM)).toMatchObject({ kind: 'served' });
    rows[1] = rowOf(CONTOSO);
    expect(await route(CONTOSO)).toEqual({ kind: 'served', scope: `${CONTOSO} #3` });
  });

  test.each<[string, TenantRow[], string, RegExp]>([
    ['no row', [], CONTOSO, /has no row in the tenants table\. Add it with "npm run ops -- tenants add aaaa/],
    [
      'a disabled row',
      [rowOf(CONTOSO, { enabled: false, name: 'Contoso' })],
      CONTOSO,
      /\(Contoso\) is disabled/,
    ],
    [
      'a broken row',
      [brokenRowOf(CONTOSO, 'Column "geo" got "mars".')],
      CONTOSO,
      /Column "geo" got "mars"\./,
    ],
    ['no tenant ID', [], 'contoso.com', /"contoso\.com" is no tenant ID/],
  ])('says of a tenant with %s what to do', async (_, rows, tenantId, detail) => {
    expect(await createRouter(rows).route(tenantId)).toEqual({
      kind: 'refused',
      reason: 'unknown-tenant',
      detail: expect.stringMatching(detail),
    });
  });

  test('does not take an alert for the home tenant’s, nor refuse it, while the home tenant is not known', async () => {
    const router = createTenantRouter<string>({
      home: 'home',
      homeTenant: async () => undefined,
      directory: directoryOf([rowOf(CONTOSO)]),
      open: ({ id }) => id,
    });
    expect(await router.route(HOME)).toMatchObject({
      kind: 'unclear',
      detail: expect.stringContaining('AZURE_TENANT_ID'),
    });
    expect(await router.route(CONTOSO)).toEqual({ kind: 'served', scope: CONTOSO });
    expect(await router.route(undefined)).toEqual(home);
  });

  test('names broken rows apart from the tenants that are served', async () => {
    const broken = brokenRowOf(FABRIKAM, 'Column "geo" got "mars".');
    const { scopes, broken: told } = await createRouter([rowOf(CONTOSO), broken]).customers();
    expect(scopes).toEqual([`${CONTOSO} #1`]);
    expect(told).toEqual([broken.tenant]);
  });
});

describe('a deployment of one tenant', () => {
  const route = (tenantId: string | undefined, own: string | undefined = HOME) =>
    createHomeRouter('home', async () => own).route(tenantId);

  test.each([undefined, '', 'contoso.com', HOME, HOME.toUpperCase()])('serves %j', async (tenantId) => {
    expect(await route(tenantId)).toEqual(home);
  });

  test('refuses alerts of another', async () => {
    expect(await route(CONTOSO)).toMatchObject({ kind: 'refused', reason: 'other-tenant' });
  });

  test('lets the API decide while its own tenant is not known', async () => {
    const router = createHomeRouter('home', async () => undefined);
    expect(await router.route(CONTOSO)).toEqual(home);
  });
});
