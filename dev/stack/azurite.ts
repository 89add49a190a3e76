import { createRequire } from 'node:module';
import { startProgram } from './program.ts';

/** A storage emulator of one's own, with empty queues and tables. */
export interface Azurite {
  readonly connectionString: string;
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
}

/**
 * Starts Azurite in memory, on loopback ports that the system chooses.
 * @throws Error with Azurite's own output when it ends before it listens.
 */
export async function startAzurite({ onRequest, preload = [] }: AzuriteOptions = {}): Promise<Azurite> {
  const ports = ['--blobPort', '0', '--queuePort', '0', '--tablePort', '0'];
  const modes = [
    '--inMemoryPersistence',
    '--skipApiVersionCheck',
    ...(onRequest === undefined ? ['--silent'] : []),
    '--disableTelemetry',
    '--loose',
  ];
  const endpoints = new Map<string, string>();
  const { ready, end } = await startProgram({
    name: 'Azurite',
    preload,
    path: createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js'),
    arguments: [...ports, ...modes],
    readyFrom(line) {
      const [, service, address] = listeningLine.exec(line) ?? [];
      if (service && address) endpoints.set(service, `${service}Endpoint=${address}/${accountName}`);
      return endpoints.size === 3 ? [...endpoints.values()] : undefined;
    },
    onLine: (line) => {
      if (line.includes(' HTTP/')) onRequest?.(line);
    },
  });

  return {
    connectionString: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${accountName}`,
      `AccountKey=${accountKey}`,
      ...ready,
    ].join(';'),
    // It keeps nothing that it could lose.
    stop: () => end('SIGKILL'),
  };
}
