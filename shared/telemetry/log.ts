import { record } from './telemetry.ts';

/** An event as the log holds it: one line of JSON, its fields flat, so that queries can name them. */
export type Log<Event extends { event: string }> = (event: Event) => void;

/**
 * Writes events to the log of a run, and tells telemetry of them.
 * @example eventLog<PollEvent>(context)({ event: 'poll', ...report });
 */
export function eventLog<Event extends { event: string }>(context: {
  log: (line: string) => void;
}): Log<Event> {
  return (event) => {
    context.log(JSON.stringify(event));
    record(event);
  };
}
