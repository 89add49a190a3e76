import { styleText } from 'node:util';
import * as z from 'zod';
import { coloured, parseJson, printable } from '#shared/text.ts';

const eventSchema = z.object({
  event: z.enum(['submission', 'rejected']),
  alertId: z.string().default(''),
  submissionId: z.string().default(''),
  /** `enriched`, `not_found`, `failed`, `deferred` or `repeated`. */
  result: z.string().default('rejected'),
  reason: z.string().optional(),
  detail: z.string().default(''),
});

/** What the host prints, as far as it tells a person anything. */
export interface HostLog {
  /** Takes a line that the host has printed. */
  hear(line: string): void;
  /** Why submissions wait, by their IDs. */
  readonly waiting: ReadonlyMap<string, string>;
  /** From now on every event is shown, and not warnings and errors alone. */
  showEvents(): void;
}

/** @param show Shows a line. */
export function createHostLog(show: (line: string) => void): HostLog {
  const waiting = new Map<string, string>();
  let showsEvents = false;
  return {
    waiting,
    hear(line) {
      const [, level, text = ''] =
        /^\S+ (information|warning|error|critical) [\w.-]+: (.*)$/.exec(line) ?? [];
      if (level !== undefined && level !== 'information') {
        show(styleText('yellow', printable(text)));
        return;
      }
      const event = eventSchema.safeParse(parseJson(text)).data;
      if (event === undefined) {
        return;
      }
      const { submissionId, result, reason = 'unknown' } = event;
      if (result === 'deferred') {
        waiting.set(submissionId, reason);
      } else {
        waiting.delete(submissionId);
      }
      if (showsEvents) {
        show(eventLine(event, new Date()));
      }
    },
    showEvents() {
      showsEvents = true;
    },
  };
}

function eventLine({ result, alertId, reason, detail }: z.infer<typeof eventSchema>, now: Date): string {
  const why = reason === undefined ? '' : `  ${reason}: ${printable(detail)}`;
  const gap = ' '.repeat(Math.max(0, 9 - result.length));
  return `${now.toLocaleTimeString('en-GB')}  ${coloured(result)}${gap}  ${printable(alertId)}${why}`;
}
