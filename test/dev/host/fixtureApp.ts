import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HostOptions, type RunningHost, startHost } from '#dev/host/host.ts';
import type { HostLog } from '#dev/host/log.ts';

const nodeModules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

export interface FixtureApp {
  appRoot: string;
  remove(): void;
}

interface FixtureFiles {
  /** JavaScript that registers functions; `app` and `output` are imported for it. */
  source: string;
  queues?: object;
  /** Further top-level parts of host.json. */
  host?: object;
  localSettings?: Record<string, string>;
}

/** Writes a function app to a folder of its own, as a build would leave it. */
export function writeFixtureApp({ source, queues, host, localSettings }: FixtureFiles): FixtureApp {
  const appRoot = mkdtempSync(join(tmpdir(), 'fixture-app-'));
  const write = (name: string, content: object) =>
    writeFileSync(join(appRoot, name), JSON.stringify(content));
  mkdirSync(join(appRoot, 'built'));
  symlinkSync(nodeModules, join(appRoot, 'node_modules'), 'junction');
  write('package.json', { type: 'module', main: 'built/*.js' });
  write('host.json', { version: '2.0', ...host, extensions: { queues: { ...fastQueues, ...queues } } });
  if (localSettings) {
    write('local.settings.json', { IsEncrypted: false, Values: localSettings });
  }
  const imports =
    "import { app, output } from '@azure/functions';\nimport { setTimeout as delay } from 'node:timers/promises';\n";
  writeFileSync(join(appRoot, 'built', 'functions.js'), imports + source);
  return { appRoot, remove: () => rmSync(appRoot, { recursive: true }) };
}

const fastQueues = { messageEncoding: 'none', maxPollingInterval: '00:00:00.200', newBatchThreshold: 8 };

export interface StartedFixture extends RunningHost {
  readonly logs: readonly HostLog[];
  /** What the functions logged, line by line. */
  lines(functionName: string): string[];
}

/** Starts a host on an app and keeps what it says. */
export async function startFixtureHost(
  app: FixtureApp,
  environment: Record<string, string>,
  options: Partial<HostOptions> = {},
): Promise<StartedFixture> {
  const logs: HostLog[] = [];
  const host = await startHost({
    appRoot: app.appRoot,
    environment: { PATH: process.env.PATH, ...environment },
    port: 0,
    log: (entry) => logs.push(entry),
    ...options,
  });
  const lines = (functionName: string) =>
    logs.filter((entry) => entry.functionName === functionName).map(({ message }) => message);
  return { ...host, logs, lines };
}
