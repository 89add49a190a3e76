/** A JSON value of a projection: never null. */
export type ProjectedValue = string | number | boolean | ProjectedValue[] | ProjectedObject;
/** A JSON object of a projection. */
export interface ProjectedObject {
  [name: string]: ProjectedValue;
}

/** A value in the making: null and undefined stand for what is not known. */
export type Draft = string | number | boolean | null | undefined | readonly Draft[] | DraftObject;
export interface DraftObject {
  readonly [name: string]: Draft;
}

/** The draft without what is not known: no standard wants null, and an empty list or object says nothing either. */
export function withoutUnknown(draft: DraftObject): ProjectedObject {
  const entries = Object.entries(draft).map(([name, value]) => [name, knownValue(value)] as const);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, ProjectedValue] => entry[1] !== undefined),
  );
}

function knownValue(draft: Draft): ProjectedValue | undefined {
  if (draft === null || draft === undefined) {
    return undefined;
  }
  if (isList(draft)) {
    const items = draft.map(knownValue).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (typeof draft !== 'object') {
    return draft;
  }
  const object = withoutUnknown(draft);
  return Object.keys(object).length === 0 ? undefined : object;
}

/** `Array.isArray` does not recognize a readonly list. */
function isList(draft: Draft): draft is readonly Draft[] {
  return Array.isArray(draft);
}

/** The resource ID when it is one of Azure: other clouds have IDs of other forms, which must not pass for it. */
export function azureResourceId(resourceId: string | null | undefined): string | null {
  return resourceId?.toLowerCase().startsWith('/subscriptions/') ? resourceId : null;
}
