import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

/** A storage emulator of one's own, with empty queues and tables. */
export interface Azurite {
  readonly connectionString: string;
  stop(): Promise<void>;
}

// The emulator's published account and key: they protect nothing.
const accountName = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const listeningLine = /^Azurite (Blob|Queue|Table) service is successfully listening at (http:\S+)$/;

/**
 * Starts Azurite in memory, on loopback ports that the system chooses.
 * @param onRequest Hears of each request that a service answered, as a line of its access log.
 * @throws Error with Azurite's own output when it ends before it listens.
 */
export async function startAzurite(onRequest?: (line: string) => void): Promise<Azurite> {
  const program = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');
  const ports = ['--blobPort', '0', '--queuePort', '0', '--tablePort', '0'];
  const modes = [
    '--inMemoryPersistence',
    '--skipApiVersionCheck',
    ...(onRequest === undefined ? ['--silent'] : []),
    '--disableTelemetry',
    '--loose',
  ];
  const child = spawn(process.execPath, [program, ...ports, ...modes], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  const killWithUs = () => child.kill('SIGKILL');
  process.once('exit', killWithUs);

  const output: string[] = [];
  child.stderr.on('data', (chunk) => output.push(String(chunk)));
  const endpoints = new Map<string, string>();
  const listening = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, service, address] = listeningLine.exec(line) ?? [];
    if (service && address) endpoints.set(service, `${service}Endpoint=${address}/${accountName}`);
    if (endpoints.size === 3) listening.resolve();
    else output.push(line);
    if (line.includes(' HTTP/')) onRequest?.(line);
  });
  ended.then(() => {
    listening.reject(new Error(`Azurite ended before it listened. It said:\n${output.join('\n')}`));
  });
  await listening.promise;

  return {
    connectionString: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${accountName}`,
      `AccountKey=${accountKey}`,
      ...endpoints.values(),
    ].join(';'),
    stop: async () => {
      process.off('exit', killWithUs);
      child.kill('SIGKILL');
      await ended;
    },
  };
}
