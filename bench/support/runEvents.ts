/** One run of the function, as its log has it. */
export interface RunEvent {
  submissionId: string;
  /** Absent for the home tenant. */
  tenantId?: string | undefined;
  result: string;
  /** Why it was put back. */
  reason?: string | undefined;
  durationMs: number;
  /** On the host's clock, milliseconds since 1970. */
  endedAt: number;
  /** What the function logged about it, in bytes. */
  logBytes: number;
}

/** The run that a line of a host's output tells of; most lines tell of none. */
export function runEventIn(line: string): RunEvent | undefined {
  const [, time = '', json] = /^(\S+) .*?(\{"event":"submission".*\})$/.exec(line) ?? [];
  if (json === undefined) {
    return undefined;
  }
  const event = JSON.parse(json) as Omit<RunEvent, 'endedAt' | 'logBytes'>;
  const { submissionId, tenantId, result, reason, durationMs } = event;
  const told = { submissionId, tenantId, result, reason, durationMs };
  return { ...told, endedAt: Date.parse(time), logBytes: Buffer.byteLength(json) };
}
