/**
 * Reads the two grant scripts as text, without a shell: enough to hold them against each other where PowerShell is not
 * installed, and no more. It knows the forms that these scripts use, not the languages.
 */

/** The arguments of each call of Azure CLI in the bash script, with variables as `<name>`. */
export function azCallsOfBash(script: string): string[][] {
  const joined = script.replaceAll(/\\\n\s*/g, ' ');
  return [...joined.matchAll(/call_az (?!\(\))(?!"\$@")(.*)/g)].map(([, rest = '']) => {
    const args: string[] = [];
    for (const [token, double, single] of rest.matchAll(/"((?:\\.|[^"])*)"|'([^']*)'|\S+/g)) {
      const text = double ?? single;
      if (text !== undefined) {
        args.push(named(text.replaceAll('\\$', '\u0000')));
      } else if (/^[)|>]/.test(token)) {
        break;
      } else if (token.endsWith(')')) {
        return [...args, named(token.slice(0, -1))];
      } else {
        args.push(named(token));
      }
    }
    return args;
  });
}

/** The same of the PowerShell script. */
export function azCallsOfPowerShell(script: string): string[][] {
  return [...script.matchAll(/Invoke-Az @\(([\s\S]*?)\)(?=\)|\n)/g)].map(([, list = '']) =>
    [...list.matchAll(/'([^']*)'|"((?:`.|[^"])*)"/g)].map(([, single, double]) =>
      named(single ?? (double ?? '').replaceAll('`$', '\u0000')),
    ),
  );
}

/** The properties of the JSON body that the bash script posts. */
export const bodyPropertiesOfBash = (script: string): string[] =>
  [...(/body="(.*)"/.exec(script)?.[1] ?? '').matchAll(/\\"(\w+)\\":/g)].map(([, name = '']) => name);

/** The properties of the JSON body that the PowerShell script posts. */
export const bodyPropertiesOfPowerShell = (script: string): string[] =>
  [...(/@\{(.*)\} \| ConvertTo-Json/.exec(script)?.[1] ?? '').matchAll(/(\w+) =/g)].map(
    ([, name = '']) => name,
  );

/** A PowerShell script without its comments and without what its texts hold. */
export const powerShellCode = (script: string): string =>
  script.replaceAll(/<#[\s\S]*?#>|@'\n[\s\S]*?\n'@|'(?:''|[^'])*'|"(?:`.|""|[^"`])*"|#.*/g, (piece) =>
    piece.startsWith('#') || piece.startsWith('<#') ? '' : "''",
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

const NAMES: Record<string, string> = {
  principal_id: 'principal',
  PrincipalId: 'principal',
  app_id: 'app',
  appId: 'app',
};

/** A text with `$name` as `<name>`, by one name in both languages; an escaped `$` comes as U+0000. */
const named = (text: string): string =>
  text
    .replace(/^(\$body|@\$\(\$bodyFile\.FullName\))$/, '<body>')
    .replaceAll(/\$(\w+)/g, (_, name: string) => `<${NAMES[name] ?? name}>`)
    .replaceAll('\u0000', '$');
