/** One run of the function, as its log has it. */
export interface RunEvent {
  submissionId: string;
  result: string;
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
  const event = JSON.parse(json) as { submissionId: string; result: string; durationMs: number };
  const { submissionId, result, durationMs } = event;
  return { submissionId, result, durationMs, endedAt: Date.parse(time), logBytes: Buffer.byteLength(json) };
}
