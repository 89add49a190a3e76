/** A JSON Schema 2020-12, as far as `z.toJSONSchema` writes it. */
export type JsonSchema = Record<string, unknown>;

/** For whom a contract is: consumers read what we write, producers write what we read. */
export type Audience = 'consumers' | 'producers';
