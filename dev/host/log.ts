import type { LogLevel } from './rpcTypes.ts';

/** One line of the local host's output. */
export interface HostLog {
  level: LogLevel;
  message: string;
  /** The function that it is about; absent for the host's own lines. */
  functionName?: string;
}

export type Log = (entry: HostLog) => void;

/** One line of text: the time, level and name of the function before what it logged; the host's own as is. */
export function formatLog({ level, functionName, message }: HostLog, now: Date): string {
  if (functionName === undefined) {
    return message;
  }
  return `${now.toISOString()} ${level} ${functionName}: ${message.replaceAll(/\s*\n\s*/g, ' ')}`;
}

/** Writes for people: errors to stderr, the rest to stdout; below `information` nothing, as Core Tools does. */
export function logToConsole(entry: HostLog): void {
  if (entry.level === 'trace' || entry.level === 'debug' || entry.level === 'none') {
    return;
  }
  const failed = entry.level === 'error' || entry.level === 'critical';
  const stream = failed ? process.stderr : process.stdout;
  stream.write(`${formatLog(entry, new Date())}\n`);
}
