import { createRequire } from 'node:module';
import { startProgram } from './program.ts';

/** A storage emulator of one's own, with empty queues and tables. */
export interface Azurite {
  readonly connectionString: string;
  /** Shuts it down and starts it again at the same address. What it held is there again if it has a data folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

// The emulator's published account and key: they protect nothing.
const accountName = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const listeningLine = /^Azurite (Blob|Queue|Table) service is successfully listening at (http:\S+)$/;

export interface AzuriteOptions {
  /** Hears of each request that a service answered, as a line of the access log. */
  onRequest?: (line: string) => void;
  /** Modules to load into it before it starts. */
  preload?: readonly string[];
  /** Where it keeps what it holds (in memory only). */
  dataFolder?: string;
}

/** Where its services listen, by name. */
type Addresses = ReadonlyMap<string, string>;

/**
 * Starts Azurite on loopback ports that the system chooses.
 * @throws Error with Azurite's own output when it ends before it listens.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  let program = await start(options, new Map());
  const addresses = program.ready;
  const endpoints = [...addresses].map(
    ([service, address]) => `${service}Endpoint=${address}/${accountName}`,
  );
  return {
    connectionString: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${accountName}`,
      `AccountKey=${accountKey}`,
      ...endpoints,
    ].join(';'),
    async restart() {
      // It writes what it holds to the data folder now and then, and when it is asked to end.
      await program.end('SIGTERM');
      program = await start(options, addresses);
    },
    // Whoever stops it is done with what it holds.
    stop: () => program.end('SIGKILL'),
  };
}

function start({ onRequest, preload = [], dataFolder }: AzuriteOptions, addresses: Addresses) {
  const ports = ['Blob', 'Queue', 'Table'].flatMap((service) => [
    `--${service.toLowerCase()}Port`,
    new URL(addresses.get(service) ?? 'http://localhost:0').port,
  ]);
  const modes = [
    ...(dataFolder === undefined ? ['--inMemoryPersistence'] : ['--location', dataFolder]),
    '--skipApiVersionCheck',
    ...(onRequest === undefined ? ['--silent'] : []),
    '--disableTelemetry',
    '--loose',
  ];
  const heard = new Map<string, string>();
  return startProgram<Addresses>({
    name: 'Azurite',
    preload,
    path: createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js'),
    arguments: [...ports, ...modes],
    readyFrom(line) {
      const [, service, address] = listeningLine.exec(line) ?? [];
      if (service && address) heard.set(service, address);
      return heard.size === 3 ? heard : undefined;
    },
    onLine: (line) => {
      if (line.includes(' HTTP/')) onRequest?.(line);
    },
  });
}
