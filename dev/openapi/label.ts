const ABBREVIATIONS = ['ID', 'IDs', 'IP', 'IPs', 'OS', 'MAC', 'MACs', 'FQDN', 'HTML', 'DNS', 'AAD'];

/** A property's or parameter's name as a designer shows it: `alertIds` becomes `Alert IDs`. */
export function labelOf(name: string): string {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[ -]/);
  return words
    .map(
      (word) =>
        ABBREVIATIONS.find((abbreviation) => abbreviation.toLowerCase() === word.toLowerCase()) ??
        word.charAt(0).toUpperCase() + word.slice(1),
    )
    .join(' ');
}
