import { randomUUID } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';
import type { StorageConnection } from '#shared/config/storageSettings.ts';
import { counted } from '#shared/text.ts';
import { readPoisonMessage } from '../deadLetters/poisonMessage.ts';
import { type StorageFault, storageFault } from '../storageFault.ts';
import { ageOf } from '../words.ts';
import { type Finding, ok, problem, unknown } from './finding.ts';

/** One thing that the app does with a queue or table. */
interface Operation {
  /** Completes "may not ...". */
  name: string;
  /** True where it asks for something that does not exist. */
  ofNothing?: boolean;
  run(): Promise<unknown>;
}

/** A test message stays hidden until it is deleted at once, and ends by itself should that fail. */
const TEST_MESSAGE = { visibilityTimeout: 30, messageTimeToLive: 31 };
const TEST_PARTITION = 'operator-check';

/** Whether the queue can be read, taken from and added to. Nothing stays behind. */
export function checkQueue(
  queue: QueueClient,
  connection: StorageConnection,
  abortSignal: AbortSignal,
): Promise<Finding> {
  return check(`queue "${queue.name}"`, 'Storage Queue Data Contributor', connection, [
    { name: 'read', run: () => queue.getProperties({ abortSignal }) },
    { name: 'peek', run: () => queue.peekMessages({ abortSignal }) },
    // There is no such message: what is tested is whether one could be deleted. It goes before the addition.
    {
      name: 'delete',
      ofNothing: true,
      run: () => queue.deleteMessage(randomUUID(), 'AAAA', { abortSignal }),
    },
    {
      name: 'add',
      async run() {
        const { messageId, popReceipt } = await queue.sendMessage('operator-check', {
          ...TEST_MESSAGE,
          abortSignal,
        });
        await queue.deleteMessage(messageId, popReceipt, { abortSignal });
      },
    },
  ]);
}

/** Whether the table's rows can be read, deleted and written. Nothing stays behind. */
export function checkTable(
  table: TableClient,
  connection: StorageConnection,
  abortSignal: AbortSignal,
): Promise<Finding> {
  const rowKey = randomUUID();
  return check(`table "${table.tableName}"`, 'Storage Table Data Contributor', connection, [
    { name: 'read', ofNothing: true, run: () => table.getEntity(TEST_PARTITION, rowKey, { abortSignal }) },
    {
      name: 'delete',
      ofNothing: true,
      run: () => table.deleteEntity(TEST_PARTITION, rowKey, { abortSignal }),
    },
    {
      name: 'write',
      async run() {
        await table.createEntity({ partitionKey: TEST_PARTITION, rowKey }, { abortSignal });
        await table.deleteEntity(TEST_PARTITION, rowKey, { abortSignal });
      },
    },
  ]);
}

/** What lies in the poison queue: how much, and how long already. */
export async function checkDeadLetters(
  poison: QueueClient,
  now: Date,
  abortSignal: AbortSignal,
): Promise<Finding> {
  const subject = 'dead letters';
  try {
    const [{ approximateMessagesCount: count = 0 }, { peekedMessageItems }] = await Promise.all([
      poison.getProperties({ abortSignal }),
      poison.peekMessages({ numberOfMessages: 32, abortSignal }),
    ]);
    if (count === 0) {
      return ok(subject, 'none');
    }
    const times = peekedMessageItems.map((message) => readPoisonMessage(message).deadAt.getTime());
    const age =
      times.length === 0
        ? 'all held by somebody now'
        : `the oldest ${ageOf(new Date(Math.min(...times)), now)} old`;
    return problem(
      subject,
      `${counted(count, 'message')}, ${age}`,
      'Look at them with "npm run ops -- dead-letters"; replay them when their reason is mended.',
    );
  } catch {
    return unknown(subject, 'the queue cannot be read, see above');
  }
}

async function check(
  subject: string,
  role: string,
  connection: StorageConnection,
  operations: readonly Operation[],
): Promise<Finding> {
  const forbidden: { name: string; code: string }[] = [];
  for (const { name, ofNothing = false, run } of operations) {
    const fault = await faultOf(run);
    if (fault?.kind === 'forbidden') {
      forbidden.push({ name, code: fault.code });
      // What may not be deleted is not added.
      if (name === 'delete') {
        break;
      }
    } else if (fault !== undefined && !(ofNothing && fault.kind === 'not-there')) {
      return problem(subject, ...explain(fault, connection));
    }
  }
  const names = operations.map(({ name }) => name).join(', ');
  if (forbidden.length === 0) {
    return ok(subject, `may ${names}`);
  }
  const refused = forbidden.map(({ name, code }) => `${name} (403 ${code})`).join(', ');
  const isFirewall = forbidden.length > 1 && forbidden.every(({ code }) => code === 'AuthorizationFailure');
  return problem(
    subject,
    `may not ${refused}`,
    ...(isFirewall
      ? [FIREWALL, byRole(role, names, connection)]
      : [byRole(role, names, connection), FIREWALL_TOO]),
  );
}

/** `AuthorizationFailure` to everything is what the firewall of an account answers to an address it does not let in. */
const FIREWALL =
  "Let this address, or the app's subnet, through the account's firewall (Networking), or use a private endpoint: it refuses everything from here.";
const FIREWALL_TOO =
  "Where every operation is refused, the account's firewall may keep this address out too.";

function byRole(role: string, names: string, { kind }: StorageConnection): string {
  return kind === 'identity'
    ? `Give whoever runs this, and the app's identity, the role "${role}" on it or on the account. It takes up to ten minutes to hold.`
    : `Use the account's key, or a shared access signature that permits all of: ${names}. With an identity the role is "${role}".`;
}

async function faultOf(run: () => Promise<unknown>): Promise<StorageFault | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return storageFault(error);
  }
}

/** What is wrong, and what to do. */
function explain(
  fault: Exclude<StorageFault, { kind: 'forbidden' }>,
  connection: StorageConnection,
): [string, string] {
  const isIdentity = connection.kind === 'identity';
  switch (fault.kind) {
    case 'missing':
      return [
        'does not exist',
        'Start the app: it creates what is missing, where its identity may. Or create it; or check the name in the settings.',
      ];
    case 'unauthenticated':
      return [
        `the sign-in was refused: ${fault.message}`,
        fault.code === 'KeyBasedAuthenticationNotPermitted'
          ? 'The account takes no keys: leave AlertsStorage out and set AlertsStorage__queueServiceUri, AlertsStorage__tableServiceUri and AlertsStorage__credential, with the roles that docs/deploy.md lists.'
          : isIdentity
            ? 'Sign in, for example with "az login", to the tenant of the account; check AlertsStorage__clientId.'
            : 'Check key or signature in AlertsStorage, and that the account permits keys.',
      ];
    case 'not-there':
    case 'unavailable':
      return [
        `cannot be used: ${fault.kind === 'unavailable' ? fault.message : 'what was just added to it is gone'}`,
        isIdentity
          ? 'Check the addresses in AlertsStorage__queueServiceUri and AlertsStorage__tableServiceUri, the network, and the firewall of the account.'
          : 'Check the account and addresses in AlertsStorage, that the emulator runs if it is one, and the network.',
      ];
  }
}
