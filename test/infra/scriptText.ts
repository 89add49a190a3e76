/**
 * Reads the scripts of infra/ as text, without a shell: enough to hold the two forms of a script against each other
 * where PowerShell is not installed, and no more. It knows the forms that these scripts use, not the languages.
 */

/** The arguments of each call of Azure CLI in the bash script, with variables as `<name>`. */
export function azCallsOfBash(script: string): string[][] {
  const wrappers = new Map<string, string[]>();
  const code = script
    .replaceAll(/\\\n\s*/g, ' ')
    .replaceAll(/^(\w+)\(\) \{\n {2}call_az (.*)\n\}$/gm, (_, name: string, rest: string) => {
      wrappers.set(name, bashArguments(rest));
      return '';
    });
  const call = new RegExp(`\\b(${['call_az', ...wrappers.keys()].join('|')}) (.*)`, 'g');
  return [...code.matchAll(call)].map(([, name = '', rest = '']) => {
    const args = bashArguments(rest);
    const places = args.map((_, index) => `<${index + 1}>`);
    return filledIn(wrappers.get(name), places, args) ?? args;
  });
}

function bashArguments(text: string): string[] {
  const args: string[] = [];
  for (const [token, double, single] of text.matchAll(/"((?:\\.|[^"])*)"|'([^']*)'|\S+/g)) {
    const quoted = double?.replaceAll('\\$', '\u0000') ?? single?.replaceAll('$', '\u0000');
    if (quoted !== undefined) {
      args.push(named(quoted));
    } else if (/^[)|>]/.test(token)) {
      break;
    } else if (token.endsWith(')')) {
      return [...args, named(token.slice(0, -1))];
    } else {
      args.push(named(token));
    }
  }
  return args;
}

/** The same of the PowerShell script. */
export function azCallsOfPowerShell(script: string): string[][] {
  const wrappers = new Map<string, { places: string[]; args: string[] }>();
  const code = script
    .replaceAll(/`\n\s*/g, '')
    .replaceAll(WRAPPER, (_, name: string, parameters: string, body: string) => {
      const places = parameters.match(/\$\w+/g) ?? [];
      const list = AZ_CALL.exec(body)?.[1] ?? '';
      wrappers.set(name, { places: places.map(named), args: powerShellArguments(list) });
      return '';
    });
  return [...code.matchAll(CALL)].map(([, list, name = '', rest = '']) => {
    const args = powerShellArguments(list ?? rest);
    const wrapper = wrappers.get(name);
    return filledIn(wrapper?.args, wrapper?.places ?? [], args) ?? args;
  });
}

const AZ_CALL = /Invoke-Az @\(([\s\S]*?)\)(?=\)|\n)/;
/** The functions that put their parameters into a call of Azure CLI, and how they are called. */
const WRAPPER = /^function (Read-Graph|Write-Graph)\((.*)\) \{\n([\s\S]*?)^\}$/gm;
const WRAPPER_CALL = /(Read-Graph|Write-Graph) ((?:'[^']*'|"(?:`.|[^"])*"|[^)\n])*)/;
const CALL = new RegExp(`${AZ_CALL.source}|${WRAPPER_CALL.source}`, 'g');

function powerShellArguments(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"((?:`.|[^"])*)"|\$\w+/g)].map(([token, single, double]) =>
    named(single?.replaceAll('$', '\u0000') ?? (double ?? token).replaceAll('`$', '\u0000')),
  );
}

/** The arguments that a function gives to Azure CLI when it is called with `given` for `places`. */
const filledIn = (
  args: readonly string[] | undefined,
  places: readonly string[],
  given: readonly string[],
): string[] | undefined =>
  args?.map((arg) => arg.replaceAll(/<\w+>/g, (name) => given[places.indexOf(name)] ?? name));

/** The JSON bodies that the bash script posts: each property with its value. */
export const bodiesOfBash = (script: string): string[][] =>
  [...script.matchAll(/body="\{(.*)\}"/g)].map(([, body = '']) =>
    [...body.matchAll(/\\"(\w+)\\":(\[?\\"[^"]*\\"\]?)/g)].map(
      ([, property, value = '']) => `${property}: ${named(value.replaceAll('\\"', ''))}`,
    ),
  );

/** The same of the PowerShell script. */
export const bodiesOfPowerShell = (script: string): string[][] =>
  [...script.matchAll(/@\{(.*)\}/g)].map(([, body = '']) =>
    [...body.matchAll(/(\w+) = (@\()?([^;)\s]+)/g)].map(([, property, list, value = '']) => {
      const text = named(value.replaceAll("'", ''));
      return `${property}: ${list ? `[${text}]` : text}`;
    }),
  );

/** The variables of the environment that the scripts read. */
export const readByBash = (script: string): Set<string> =>
  new Set(Array.from(script.matchAll(/\$\{([A-Z_]+):-/g), ([, name = '']) => name));
export const readByPowerShell = (script: string): Set<string> =>
  new Set(Array.from(script.matchAll(/\$env:(\w+)/g), ([, name = '']) => name));

/** A PowerShell script without its comments and without what its texts hold. */
export const powerShellCode = (script: string): string =>
  script.replaceAll(
    /<#[\s\S]*?#>|@'\n[\s\S]*?\n'@|@"\n[\s\S]*?\n"@|'(?:''|[^'])*'|"(?:`.|""|[^"`])*"|#.*/g,
    (piece) => (piece.startsWith('#') || piece.startsWith('<#') ? '' : "''"),
  );

/** The first bracket that has no partner, or undefined. */
export function unbalanced(code: string): string | undefined {
  const open: string[] = [];
  const partners: Record<string, string> = { ')': '(', ']': '[', '}': '{' };
  for (const character of code) {
    if ('([{'.includes(character)) {
      open.push(character);
    } else if (character in partners && open.pop() !== partners[character]) {
      return character;
    }
  }
  return open.at(-1);
}

/** A text with `$some_name` and `$SomeName` as `<somename>`; an escaped `$` comes as U+0000. */
const named = (text: string): string =>
  text
    .replace(/^(\$body|@\$\(\$bodyFile\.FullName\))$/i, '<body>')
    .replaceAll(
      /\$(?:\{(\w+)\}|(\w+))/g,
      (_, braced, name) => `<${(braced ?? name).replaceAll('_', '').toLowerCase()}>`,
    )
    .replaceAll('\u0000', '$');
