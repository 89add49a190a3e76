import * as z from 'zod';

/**
 * The gate for alert IDs: a safe path segment and a safe table key, open to prefixes not known yet.
 * Rejects slashes, dots, percent signs, quotes, spaces, line ends, the empty text and more than 128 characters.
 */
const ALERT_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

/** The gate's rule, to a person. */
export const ALERT_ID_RULE =
  'an alert ID has 1 to 128 letters, digits, "_" or "-" and starts with a letter or digit (for example da637472900382838869_1364969609)';

export const alertIdSchema = z.string().regex(ALERT_ID, { error: ALERT_ID_RULE });

/** Whether a text passes the gate for alert IDs. */
export function isAlertId(text: string): boolean {
  return ALERT_ID.test(text);
}
