/** A JSON object as `JSON.parse` makes it: fields by name, neither an array nor null. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is a JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects in a list; none for anything else. One object counts as a list of one: some programs split lists so. */
export function listOf(value: unknown): JsonObject[] {
  if (isJsonObject(value)) {
    return [value];
  }
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The fields by their names without case and underscores. */
export function fieldsOf(value: JsonObject): Map<string, unknown> {
  return new Map(Object.entries(value).map(([name, field]) => [bare(name), field]));
}

/** A field's name without case and underscores. */
export function bare(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** Whether the object has a field of each of these names, whatever its value. */
export function hasAll(value: JsonObject, ...names: string[]): boolean {
  return names.every((name) => Object.hasOwn(value, name));
}

/** Untrusted values are not turned into texts: an object in JSON may have a `toString` of its own. */
export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
