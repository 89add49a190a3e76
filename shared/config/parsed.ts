import * as z from 'zod';

/** A text that `parse` understands; whatever it answers undefined to is wrong. */
export function parsed<Value>(parse: (text: string) => Value | undefined): z.ZodType<Value, string> {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', input: text });
    return z.NEVER;
  });
}
