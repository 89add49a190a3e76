/** What one part of the check found. */
export interface Finding {
  subject: string;
  /**
   * `unknown` when it could not be looked at; then something else is a problem, or it is to be tried again later. A `note`
   * is no matter of today.
   */
  status: 'ok' | 'note' | 'problem' | 'unknown';
  detail: string;
  /** What to do, a line each. */
  advice?: string[];
}

/** A part that is as the app needs it. */
export function ok(subject: string, detail: string): Finding {
  return { subject, status: 'ok', detail };
}

/** Something to know that keeps no alert from its device today. */
export function note(subject: string, detail: string): Finding {
  return { subject, status: 'note', detail };
}

/** A part that is not as the app needs it, with what to do. */
export function problem(subject: string, detail: string, ...advice: string[]): Finding {
  return { subject, status: 'problem', detail, advice };
}

/** A part that could not be looked at. */
export function unknown(subject: string, detail: string): Finding {
  return { subject, status: 'unknown', detail };
}
