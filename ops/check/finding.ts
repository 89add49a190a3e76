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

export function ok(subject: string, detail: string): Finding {
  return { subject, status: 'ok', detail };
}

export function note(subject: string, detail: string): Finding {
  return { subject, status: 'note', detail };
}

export function problem(subject: string, detail: string, ...advice: string[]): Finding {
  return { subject, status: 'problem', detail, advice };
}

export function unknown(subject: string, detail: string): Finding {
  return { subject, status: 'unknown', detail };
}
