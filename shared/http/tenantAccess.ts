import * as z from 'zod';
import type { HttpAuthorization } from '../config/httpSettings.ts';
import { failure, type Result, success } from '../result.ts';
import { type TenantRouter, tenantIdOf } from '../tenants/tenantRouter.ts';
import { parseJson } from '../text.ts';
import type { Problem } from './problem.ts';

/** The tenants that a caller may act for; undefined for one who may act for all. */
export type Confinement = ReadonlySet<string> | undefined;

/** Which tenant's parts answer a caller. */
export interface TenantAccess<Scope> {
  /** Whether there may be customers' tenants beside the home tenant. */
  readonly servesCustomers: boolean;
  /** @throws When the tenants table cannot be used and nothing recent is known: then no caller is let in. */
  confinementOf(headers: Headers): Promise<Confinement>;
  /**
   * The parts of the tenant that the caller names; where none is named, those of the home tenant, or of the only one
   * that the caller may act for. Whether a tenant exists that is not the caller's cannot be told from the answer.
   * @param tenantId As the caller names it; null or undefined for none.
   * @throws When the tenants table cannot be used and nothing recent is known.
   */
  find(
    confinement: Confinement,
    tenantId: string | null | undefined,
  ): Promise<Result<{ scope: Scope; tenantId: string | undefined }, Problem>>;
}

interface Headers {
  get(name: string): string | null;
}

/**
 * Decides which tenants a caller may act for, and finds the parts of the one that it names.
 * @param authorization With `key` callers cannot be told from each other, so none is confined.
 */
export function createTenantAccess<Scope>(
  authorization: HttpAuthorization,
  tenants: Pick<TenantRouter<Scope>, 'servesCustomers' | 'route' | 'tenantsOfCaller'>,
): TenantAccess<Scope> {
  return {
    servesCustomers: tenants.servesCustomers,

    async confinementOf(headers) {
      if (authorization !== 'entra' || !tenants.servesCustomers) {
        return undefined;
      }
      const caller = readCaller(headers);
      // A caller whose claims cannot be read may be a confined one: it gets no tenant.
      if (caller === undefined) {
        return new Set();
      }
      const { ids, roles } = caller;
      const own = [...roles.flatMap(tenantOfRole), ...(await tenants.tenantsOfCaller(ids))];
      return own.length === 0 ? undefined : new Set(own);
    },

    async find(confinement, named) {
      const wanted = named ?? onlyOne(confinement);
      if (confinement !== undefined && !confinement.has(tenantIdOf(wanted ?? '') ?? '')) {
        return failure(notAllowed(confinement));
      }
      const route = await tenants.route(wanted);
      switch (route.kind) {
        case 'served':
          return success({ scope: route.scope, tenantId: wanted });
        case 'refused':
          return failure({
            problem: 'unknown-tenant',
            detail:
              confinement === undefined
                ? route.detail
                : 'The tenant is not served at present. Ask who operates this deployment.',
          });
        case 'unclear':
          return failure({ problem: 'tenant-unclear', detail: route.detail });
      }
    },
  };
}

function onlyOne(confinement: Confinement): string | undefined {
  const [only, ...others] = confinement ?? [];
  return others.length === 0 ? only : undefined;
}

function notAllowed(confinement: ReadonlySet<string>): Problem {
  const own = [...confinement].join(', ');
  const detail =
    own === ''
      ? 'The claims of this caller (header x-ms-client-principal of App Service Authentication) cannot be read.'
      : `This caller may act for ${own} only. Send one of these as "tenantId".`;
  return { problem: 'tenant-not-allowed', detail };
}

/** https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities#decode-the-client-principal-header */
const principalSchema = z.object({
  claims: z.array(z.object({ typ: z.string(), val: z.string() })),
  role_typ: z.string().optional(),
});

const ID_CLAIMS = ['appid', 'azp', 'oid', 'http://schemas.microsoft.com/identity/claims/objectidentifier'];
const ROLE_CLAIMS = ['roles', 'http://schemas.microsoft.com/ws/2008/06/identity/claims/role'];

/**
 * What App Service Authentication says about a caller: application and object IDs in lower case, and app roles. Undefined
 * where that cannot be read.
 */
export function readCaller(headers: Headers): { ids: string[]; roles: string[] } | undefined {
  const encoded = headers.get('x-ms-client-principal') ?? '';
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const principal = principalSchema.safeParse(parseJson(text)).data;
  if (principal === undefined) {
    return undefined;
  }
  const { claims, role_typ = 'roles' } = principal;
  const valuesOf = (types: readonly string[]) =>
    claims.flatMap(({ typ, val }) => (types.includes(typ) ? [val] : []));
  const ids = [headers.get('x-ms-client-principal-id') ?? '', ...valuesOf(ID_CLAIMS)];
  return {
    ids: ids.map((id) => id.trim().toLowerCase()).filter((id) => id !== ''),
    roles: valuesOf([...ROLE_CLAIMS, role_typ]),
  };
}

/** The app role `Tenant.<tenant ID>` confines to that tenant. */
function tenantOfRole(role: string): string[] {
  const [, text = ''] = /^Tenant\.(.+)$/i.exec(role) ?? [];
  const id = tenantIdOf(text);
  return id === undefined ? [] : [id];
}
