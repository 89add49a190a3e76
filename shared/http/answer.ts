/** What an HTTP function answers. Header names are in lower case. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body?: string;
}

export function jsonAnswer(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(value),
  };
}
