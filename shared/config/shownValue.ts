/** What gives away that a secret went into the wrong setting: a user in an address, a query, a key in a list. */
const SECRET_INSIDE = /[@?]|(key|sig|signature|secret|password)\s*=/i;
const LONGEST_SHOWN = 120;

/** What a setting got, for an error message: quoted and cut short, or only that it is hidden. */
export function shownValue(value: string | undefined, secret: boolean): string {
  if (value === undefined) return 'nothing';
  if (secret || SECRET_INSIDE.test(value)) return 'a value that is not shown because it may hold a secret';
  return value.length > LONGEST_SHOWN
    ? `${JSON.stringify(value.slice(0, LONGEST_SHOWN))} (cut short)`
    : JSON.stringify(value);
}
