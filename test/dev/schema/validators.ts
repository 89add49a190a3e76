import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const folder = new URL('../../../docs/schema/', import.meta.url);

/** A validator of the published file, with every format and keyword checked strictly. */
export function validatorOf(contract: string): ValidateFunction {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true });
  addFormats.default(ajv);
  return ajv.compile(JSON.parse(readFileSync(new URL(`${contract}.schema.json`, folder), 'utf8')));
}

/** What the published schema finds wrong; none when the value is valid. */
export function errorsOf(validate: ValidateFunction, value: unknown): unknown[] {
  return validate(value) ? [] : (validate.errors ?? []);
}
