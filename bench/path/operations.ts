/** Requests that the storage service answered during a run, from its access log. */
export interface Operations {
  all: number;
  ledgerReads: number;
  ledgerWrites: number;
}

/** Counts the requests in lines of Azurite's access log; a state table's name begins with `State`. */
export function createOperationCount() {
  let counted: Operations = { all: 0, ledgerReads: 0, ledgerWrites: 0 };
  return {
    hear(line: string): void {
      counted.all += 1;
      const [, method] = /"(\w+) \/\w+\/State/.exec(line) ?? [];
      if (method === 'GET') {
        counted.ledgerReads += 1;
      } else if (method !== undefined) {
        counted.ledgerWrites += 1;
      }
    },
    /** What was counted since the last time. */
    take(): Operations {
      const taken = counted;
      counted = { all: 0, ledgerReads: 0, ledgerWrites: 0 };
      return taken;
    },
  };
}
