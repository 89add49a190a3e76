import { styleText } from 'node:util';
import * as z from 'zod';
import { coloured, printable } from '#shared/text.ts';

const submissionEventSchema = z.object({
  event: z.literal('submission'),
  alertId: z.string(),
  submissionId: z.string(),
  /** `enriched`, `not_found`, `failed`, `deferred` or `repeated`. */
  result: z.string(),
  /** Why it was deferred. */
  reason: z.string().optional(),
  detail: z.string().optional(),
});
const rejectedEventSchema = z.object({
  event: z.literal('rejected'),
  reason: z.string(),
  detail: z.string(),
});
const eventSchema = z.discriminatedUnion('event', [submissionEventSchema, rejectedEventSchema]);

/** What the function logged, as far as the demo shows it. */
export type HostEvent = z.infer<typeof eventSchema>;

/** A line of the host's output. */
export type HostLine =
  | { kind: 'event'; event: HostEvent }
  /** A warning or an error. */
  | { kind: 'trouble'; text: string }
  /** Anything else. */
  | { kind: 'other' };

export function readHostLine(line: string): HostLine {
  const [, level, text = ''] = /^\S+ (information|warning|error|critical) [\w.-]+: (.*)$/.exec(line) ?? [];
  if (level === undefined) {
    return { kind: 'other' };
  }
  if (level !== 'information') {
    return { kind: 'trouble', text };
  }
  const event = text.startsWith('{') ? eventSchema.safeParse(parseJson(text)).data : undefined;
  return event === undefined ? { kind: 'other' } : { kind: 'event', event };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the line tells a person who watches the demo serve; nothing for lines without news. */
export function describeHostLine(line: HostLine, now: Date): string[] {
  if (line.kind === 'other') {
    return [];
  }
  if (line.kind === 'trouble') {
    return [styleText('yellow', printable(line.text))];
  }
  const { event } = line;
  const time = now.toLocaleTimeString('en-GB');
  if (event.event === 'rejected') {
    return [`${time}  ${styleText('red', 'rejected')}   ${printable(event.detail)}`];
  }
  const why = event.reason === undefined ? '' : `  ${event.reason}: ${printable(event.detail ?? '')}`;
  return [
    `${time}  ${coloured(event.result)}${' '.repeat(Math.max(0, 9 - event.result.length))}  ${event.alertId}${why}`,
  ];
}
