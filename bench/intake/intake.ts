import { readdirSync, readFileSync } from 'node:fs';
import { readMessage } from '#shared/intake/readMessage.ts';

const fixtures = new URL('../../test/fixtures/', import.meta.url);
const WARM_UP_MS = 100;
const MEASURED_MS = 400;

/** How fast one form of message is read, on one core. */
export interface IntakeSpeed {
  form: string;
  bytes: number;
  alerts: number;
  messagesPerSecond: number;
}

/** Every fixture of a message, and the longest list that a queue message holds. */
export function measureIntake(onProgress: (text: string) => void): IntakeSpeed[] {
  const cases: { name: string; body: unknown }[] = JSON.parse(
    readFileSync(new URL('cases/messages.json', fixtures), 'utf8'),
  );
  const samples = readdirSync(new URL('messages/', fixtures)).map((file) => ({
    name: file.replace('.json', ''),
    body: JSON.parse(readFileSync(new URL(`messages/${file}`, fixtures), 'utf8')) as unknown,
  }));
  const longest = Array.from(
    { length: 1_400 },
    (_, index) => `da${600_000_000_000_000_000 + index}_-1234567`,
  );
  return [...samples, ...cases, { name: 'list as long as a message', body: longest }].map(
    ({ name, body }) => {
      onProgress(name);
      return measure(name, JSON.stringify(body));
    },
  );
}

/** As the queue brings it: the text is parsed anew each time. */
function measure(form: string, text: string): IntakeSpeed {
  const read = () =>
    readMessage(JSON.parse(text), { id: '00000000-0000-4000-8000-000000000000' }, new Date());
  const alerts = read().submissions.length;
  countFor(WARM_UP_MS, read);
  const begun = performance.now();
  const messages = countFor(MEASURED_MS, read);
  const seconds = (performance.now() - begun) / 1_000;
  return { form, bytes: text.length, alerts, messagesPerSecond: messages / seconds };
}

function countFor(milliseconds: number, work: () => unknown): number {
  const end = performance.now() + milliseconds;
  let count = 0;
  for (; performance.now() < end; count += 1) {
    work();
  }
  return count;
}

/** One row a form, the slowest first. */
export function intakeTable(speeds: readonly IntakeSpeed[]): { head: string[]; rows: string[][] } {
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  return {
    head: ['form', 'bytes', 'alerts', 'messages a second', 'alerts a second'],
    rows: speeds
      .toSorted((one, other) => one.messagesPerSecond - other.messagesPerSecond)
      .map(({ form, bytes, alerts, messagesPerSecond }) => [
        form,
        whole(bytes),
        whole(alerts),
        whole(messagesPerSecond),
        whole(messagesPerSecond * alerts),
      ]),
  };
}
