import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { deviceSchema } from '#shared/device/device.ts';
import { machineSchema } from '#shared/device/machine.ts';
import { propertiesSchema } from '#shared/device/properties.ts';
import { codeIn, listItems, sectionOf } from '../../docs/guide.ts';

const page = readFileSync(new URL('../../../docs/device.md', import.meta.url), 'utf8');
const entries = listItems(sectionOf(page, 'From machine to device')).map(([line = '']) => line.split(' → '));
const properties = entries.flatMap(([property = '']) => codeIn(property));
const fieldsFromThem = entries.flatMap(([, fields = '']) => codeIn(fields));

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  description?: string;
}

/** Every path of a schema with its description, such as `os.family` or `interfaces[].mac`. */
function fieldsOf(schema: JsonSchema, path = ''): { path: string; description: string | undefined }[] {
  const nested = (schema.anyOf ?? []).flatMap((option) => fieldsOf(option, path));
  const items = schema.items === undefined ? [] : fieldsOf(schema.items, `${path}[]`);
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const here = path === '' ? name : `${path}.${name}`;
    return [{ path: here, description: property.description }, ...fieldsOf(property, here)];
  });
  return [...nested, ...items, ...properties];
}

const deviceFields = fieldsOf(z.toJSONSchema(deviceSchema) as JsonSchema);
const machineProperties = [
  ...Object.keys(machineSchema.shape),
  ...fieldsOf(z.toJSONSchema(propertiesSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema).map(
    ({ path }) => path,
  ),
];

/** Shapes that several fields share; the page explains them once. */
const SHARED_SHAPE =
  /^(?:health|onboarding|risk|exposure|deviceValue|lastIp|externalIp)\.|\.addresses\[\]\.(?:ip|version|scope)$/;

test('the page names every property of a machine, and no other', () => {
  expect(properties.toSorted()).toEqual(machineProperties.toSorted());
});

test('the page names every field of a device, and no other', () => {
  const documented = new Set(fieldsFromThem);
  const fields = deviceFields.map(({ path }) => path).filter((path) => !SHARED_SHAPE.test(path));
  const parents = fields.filter((path) => fields.some((field) => field.startsWith(`${path}.`)));
  expect(fields.filter((path) => !documented.has(path) && !parents.includes(path))).toEqual([]);
  expect([...documented].filter((path) => !fields.includes(path))).toEqual([]);
});

test('every field of a device describes itself', () => {
  expect(deviceFields.filter(({ description }) => !description)).toEqual([]);
});
