import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { startProgram } from './program.ts';

/** A storage emulator of one's own, with empty queues and tables. */
export interface Azurite {
  readonly connectionString: string;
  /** Address of the account in each service, without a slash at its end. */
  readonly serviceUris: { queue: string; table: string };
  /** Shuts it down and starts it again at the same address. What it held is there again if it has a data folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const ACCOUNT_NAME = 'devstoreaccount1';
const QUICK_EMULATOR = new URL('./quickEmulator.ts', import.meta.url).href;
/** The key that the emulator has when it is given none. It is published, so it protects nothing. */
export const PUBLISHED_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const LISTENING_LINE = /^Azurite (Blob|Queue|Table) service is successfully listening at (https?:\S+)$/;

export interface AzuriteOptions {
  /** Hears of each request that a service answered, as a line of the access log. */
  onRequest?: (line: string) => void;
  /** Where it keeps what it holds (in memory only). */
  dataFolder?: string;
  /**
   * Files (PEM) of a server's certificate and key. With them it speaks HTTPS and takes access tokens in queue and
   * table. Of a token it checks issuer, audience and times, and neither signature nor roles
   * (https://github.com/Azure/Azurite#oauth-configuration). Its account then has a key of its own, so that whoever is
   * not given that key gets in by token or not at all.
   */
  https?: { certificateFile: string; keyFile: string };
}

const SERVICES = ['Blob', 'Queue', 'Table'] as const;
type Service = (typeof SERVICES)[number];

/** Where its services listen, by name. */
type Addresses = ReadonlyMap<string, string>;

/**
 * Starts Azurite on loopback ports that the system chooses.
 * @throws Error with Azurite's own output when it ends before it listens.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const accountKey = options.https ? randomBytes(64).toString('base64') : PUBLISHED_KEY;
  let program = await start(options, accountKey, new Map());
  const addresses = program.ready;
  const uriOf = (service: Service) => `${addresses.get(service)}/${ACCOUNT_NAME}`;
  return {
    connectionString: [
      `DefaultEndpointsProtocol=${options.https ? 'https' : 'http'}`,
      `AccountName=${ACCOUNT_NAME}`,
      `AccountKey=${accountKey}`,
      ...SERVICES.map((service) => `${service}Endpoint=${uriOf(service)}`),
    ].join(';'),
    serviceUris: { queue: uriOf('Queue'), table: uriOf('Table') },
    async restart() {
      // It writes what it holds to the data folder now and then, and when it is asked to end.
      await program.end('SIGTERM');
      program = await start(options, accountKey, addresses);
    },
    // Whoever stops it is done with what it holds.
    stop: () => program.end('SIGKILL'),
  };
}

function start({ onRequest, dataFolder, https }: AzuriteOptions, accountKey: string, addresses: Addresses) {
  const ports = SERVICES.flatMap((service) => [
    `--${service.toLowerCase()}Port`,
    new URL(addresses.get(service) ?? 'http://localhost:0').port,
  ]);
  const modes = [
    ...(dataFolder === undefined ? ['--inMemoryPersistence'] : ['--location', dataFolder]),
    '--skipApiVersionCheck',
    ...(onRequest === undefined ? ['--silent'] : []),
    '--disableTelemetry',
    '--loose',
    ...(https === undefined
      ? []
      : ['--cert', https.certificateFile, '--key', https.keyFile, '--oauth', 'basic']),
  ];
  const heard = new Map<string, string>();
  return startProgram<Addresses>({
    name: 'Azurite',
    preload: [QUICK_EMULATOR],
    path: createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js'),
    arguments: [...ports, ...modes],
    environment: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT_NAME}:${accountKey}` },
    readyFrom(line) {
      const [, service, address] = LISTENING_LINE.exec(line) ?? [];
      if (service && address) {
        heard.set(service, address);
      }
      return heard.size === 3 ? heard : undefined;
    },
    onLine: (line) => {
      if (line.includes(' HTTP/')) {
        onRequest?.(line);
      }
    },
  });
}
