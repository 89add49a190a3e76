import type { Deployment } from './bicep.ts';

const QUEUE = 'Microsoft.Storage/storageAccounts/queueServices/queues';
const TABLE = 'Microsoft.Storage/storageAccounts/tableServices/tables';
const CONTAINER = 'Microsoft.Storage/storageAccounts/blobServices/containers';

interface Role {
  name: string;
  actions: string[];
  dataActions: string[];
}

/**
 * The built-in roles that may be assigned, as far as they concern data.
 * https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage and .../monitor
 */
export const ROLES: ReadonlyMap<string, Role> = new Map([
  ['acdd72a7-3385-48ef-bd42-f606fba81ae7', { name: 'Reader', actions: ['*/read'], dataActions: [] }],
  [
    '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
    {
      name: 'Storage Queue Data Contributor',
      actions: [`${QUEUE}/read`, `${QUEUE}/write`, `${QUEUE}/delete`],
      dataActions: [
        `${QUEUE}/messages/read`,
        `${QUEUE}/messages/write`,
        `${QUEUE}/messages/delete`,
        `${QUEUE}/messages/process/action`,
      ],
    },
  ],
  [
    'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a',
    {
      name: 'Storage Queue Data Message Sender',
      actions: [],
      dataActions: [`${QUEUE}/messages/add/action`],
    },
  ],
  [
    '19e7f393-937e-4f77-808e-94535e297925',
    {
      name: 'Storage Queue Data Reader',
      actions: [`${QUEUE}/read`],
      dataActions: [`${QUEUE}/messages/read`],
    },
  ],
  [
    '8a0f0c08-91a1-4084-bc3d-661d67233fed',
    {
      name: 'Storage Queue Data Message Processor',
      actions: [],
      dataActions: [`${QUEUE}/messages/read`, `${QUEUE}/messages/process/action`],
    },
  ],
  [
    '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
    {
      name: 'Storage Table Data Contributor',
      actions: [`${TABLE}/read`, `${TABLE}/write`, `${TABLE}/delete`],
      dataActions: [
        `${TABLE}/entities/read`,
        `${TABLE}/entities/write`,
        `${TABLE}/entities/delete`,
        `${TABLE}/entities/add/action`,
        `${TABLE}/entities/update/action`,
      ],
    },
  ],
  [
    '76199698-9eea-4c19-bc75-cec21354c6b6',
    {
      name: 'Storage Table Data Reader',
      actions: [`${TABLE}/read`],
      dataActions: [`${TABLE}/entities/read`],
    },
  ],
  [
    'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
    {
      name: 'Storage Blob Data Contributor',
      actions: [`${CONTAINER}/read`, `${CONTAINER}/write`, `${CONTAINER}/delete`],
      dataActions: [`${CONTAINER}/blobs/read`, `${CONTAINER}/blobs/write`, `${CONTAINER}/blobs/delete`],
    },
  ],
  [
    'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
    {
      name: 'Storage Blob Data Owner',
      actions: [`${CONTAINER}/*`],
      dataActions: [`${CONTAINER}/blobs/*`],
    },
  ],
  [
    '3913510d-42f4-4e42-8a64-420c390055eb',
    {
      name: 'Monitoring Metrics Publisher',
      actions: [],
      dataActions: ['Microsoft.Insights/Metrics/Write', 'Microsoft.Insights/Telemetry/Write'],
    },
  ],
]);

/** An action that is needed, or several of which each will do. */
type Need = string | readonly string[];

/**
 * Adding takes either action, every other operation on messages the one named:
 * https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#permissions-for-calling-data-operations
 */
const ADD: Need = [`${QUEUE}/messages/add/action`, `${QUEUE}/messages/write`];

const ALERTS_NEEDS: Need[] = [
  `${QUEUE}/read`, // whether it exists, and how long it is
  `${QUEUE}/messages/read`, // the scaler peeks
  `${QUEUE}/messages/process/action`, // take and delete
  `${QUEUE}/messages/write`, // renew and release
  ADD, // deferrals, and the parts of a list
];
const OUTGOING_NEEDS: Need[] = [
  ADD, // by the app, and by the host into the poison queue
  `${QUEUE}/read`, // health asks how long it is
];
const TABLE_NEEDS: Need[] = [
  `${TABLE}/entities/read`,
  [`${TABLE}/entities/add/action`, `${TABLE}/entities/write`],
  [`${TABLE}/entities/update/action`, `${TABLE}/entities/write`],
];
const BLOB_NEEDS: Need[] = ['read', 'write', 'delete'].map((verb) => `${CONTAINER}/blobs/${verb}`);
const HOST_NEEDS: Need[] = [`${CONTAINER}/read`, ...BLOB_NEEDS];

/** What the app and its host do with each thing, by the end of its resource ID. */
export const APP_NEEDS: ReadonlyMap<string, Need[]> = new Map([
  ['/queues/alerts', ALERTS_NEEDS],
  ['/queues/alerts-poison', OUTGOING_NEEDS],
  ['/queues/enrichments', OUTGOING_NEEDS],
  ['/tables/AlertEnrichments', TABLE_NEEDS],
  ['/tables/EnrichmentState', TABLE_NEEDS],
  ['/containers/azure-webjobs-hosts', HOST_NEEDS],
  ['/containers/azure-webjobs-secrets', HOST_NEEDS],
  ['/containers/deployments', BLOB_NEEDS],
  // The host lists the containers of its account to see whether it answers.
  ['/storageAccounts/*', [`${CONTAINER}/read`]],
]);

/** A role that somebody holds on something. */
export interface Grant {
  scope: string;
  role: string;
  principal: string;
}

export function grantsOf({ resources }: Deployment): Grant[] {
  return resources
    .filter(({ type }) => type === 'Microsoft.Authorization/roleAssignments')
    .map(({ scope = '', body }) => {
      const { roleDefinitionId, principalId } = body.properties as Record<string, string>;
      return {
        scope,
        role: roleDefinitionId?.split('/').at(-1) ?? '',
        principal: principalId ?? '',
      };
    });
}

/** Roles that are not known or reach too far, needs that none covers, and roles without a need. */
export function accessProblems(grants: readonly Grant[], principal: string): string[] {
  const stored = grants
    .filter((grant) => grant.principal === principal && grant.scope.includes('.Storage/'))
    .map((grant) => ({ ...grant, scope: grant.scope.replace(/(\/storageAccounts\/)[^/]+$/, '$1*') }));
  return [
    ...stored
      .filter(({ role, scope }) => scope.endsWith('*') && (ROLES.get(role)?.dataActions.length ?? 1) > 0)
      .map(({ role }) => `${ROLES.get(role)?.name} opens data of the whole account`),
    ...grants.filter(({ role }) => !ROLES.has(role)).map(({ role }) => `the role ${role} is not one of ours`),
    ...stored
      .filter(({ scope }) => ![...APP_NEEDS.keys()].some((end) => scope.endsWith(end)))
      .map(({ role, scope }) => `${ROLES.get(role)?.name} on ${scope} serves no need`),
    ...[...APP_NEEDS].flatMap(([end, needs]) => {
      const roles = stored.filter(({ scope }) => scope.endsWith(end)).map(({ role }) => ROLES.get(role));
      const granted = roles.flatMap((role) => [...(role?.actions ?? []), ...(role?.dataActions ?? [])]);
      return needs
        .filter((need) => ![need].flat().some((action) => granted.some((pattern) => covers(pattern, action))))
        .map((need) => `${end}: ${[need].flat().join(' or ')} is not granted`);
    }),
  ];
}

/** A star in an action stands for everything. */
function covers(pattern: string, action: string): boolean {
  const [start = '', end] = pattern.split('*');
  return end === undefined ? pattern === action : action.startsWith(start) && action.endsWith(end);
}
