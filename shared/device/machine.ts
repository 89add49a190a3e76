import * as z from 'zod';

/**
 * A machine: MDE's device record as received. Only the ID decides whether a body is one; every other property is
 * kept whatever its type, and `properties.ts` reads those that are known.
 */
export const machineSchema = z.looseObject({
  id: z
    .string()
    .regex(/\S/, { error: 'is empty' })
    .describe('MDE device ID, 40 lower-case hexadecimal digits in practice.'),
});
export type Machine = z.infer<typeof machineSchema>;

/** Whether a response body is a machine; `detail` says what it is instead, in words for a log. */
export type MachineReading = { kind: 'machine'; machine: Machine } | { kind: 'invalid'; detail: string };

const errorBodySchema = z.object({
  error: z.object({ code: z.string().optional(), message: z.string().optional() }),
});

/** Reads a decoded JSON body. Never throws. */
export function parseMachine(body: unknown): MachineReading {
  const machine = machineSchema.safeParse(body);
  return machine.success
    ? { kind: 'machine', machine: machine.data }
    : { kind: 'invalid', detail: `expected one machine with an "id", got ${describe(body)}` };
}

function describe(body: unknown): string {
  if (body === null) {
    return 'null';
  }
  if (Array.isArray(body)) {
    return `a list of ${body.length}`;
  }
  if (typeof body !== 'object') {
    return `a ${typeof body}`;
  }
  const failure = errorBodySchema.safeParse(body);
  if (failure.success) {
    const { code = 'no code', message = 'no message' } = failure.data.error;
    return `an error: ${code}, ${message}`.slice(0, 300);
  }
  if (!('id' in body)) {
    return 'an object without "id"';
  }
  return typeof body.id === 'string' ? 'an empty "id"' : 'an "id" that is no text';
}
