import { createRequire } from 'node:module';

/** A column's name and its type as Kusto calls it: `string`, `datetime`, `long`, `bool`, `dynamic`, `real`. */
export type Columns = Record<string, string>;

/** The part of Microsoft's language service that is used here: it is compiled from .NET, and its own types are of no use. */
interface Kusto {
  Language: {
    KustoCode: {
      ParseAndAnalyze(
        text: string,
        globals: unknown,
      ): {
        GetDiagnostics(): { Count: number; getItem(index: number): Diagnostic };
        ResultType: { Columns?: { Count: number; getItem(index: number): Column } } | null;
      };
    };
    GlobalState: { Default: { WithDatabase(database: unknown): unknown } };
    Symbols: {
      DatabaseSymbol: { ctor: new (name: string, members: unknown[]) => unknown };
      TableSymbol: { From(schema: string): { WithName(name: string): unknown } };
    };
  };
}

interface Diagnostic {
  Severity: string;
  Code: string;
  Message: string;
  Start: number;
}

interface Column {
  Name: string;
  Type: { Name: string };
}

const require = createRequire(import.meta.url);
let loaded: Kusto | undefined;

function kusto(): Kusto {
  if (loaded === undefined) {
    require('@kusto/language-service-next/bridge.min.js');
    require('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
    loaded = (globalThis as unknown as { Kusto: Kusto }).Kusto;
  }
  return loaded;
}

/** What Microsoft's own parser says of a query on these tables: every error and warning, and the columns of the result. */
export function checkQuery(
  query: string,
  tables: Record<string, Columns>,
): { problems: string[]; columns: Columns } {
  const { Language } = kusto();
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const schema = Object.entries(columns)
      .map(([column, type]) => `${column}: ${type}`)
      .join(', ');
    return Language.Symbols.TableSymbol.From(`(${schema})`).WithName(name);
  });
  const database = new Language.Symbols.DatabaseSymbol.ctor('db', symbols);
  const code = Language.KustoCode.ParseAndAnalyze(query, Language.GlobalState.Default.WithDatabase(database));
  const diagnostics = code.GetDiagnostics();
  const problems = Array.from({ length: diagnostics.Count }, (_, index) => diagnostics.getItem(index))
    .filter(({ Severity }) => Severity === 'Error' || Severity === 'Warning')
    .map(({ Code, Message, Start }) => {
      const line = query.slice(0, Start).split('\n').length;
      return `line ${line}: ${Code} ${Message}`;
    });
  const result = code.ResultType?.Columns;
  const columns = Array.from({ length: result?.Count ?? 0 }, (_, index) => result?.getItem(index));
  return {
    problems,
    columns: Object.fromEntries(columns.map((column) => [column?.Name ?? '', column?.Type.Name ?? ''])),
  };
}
