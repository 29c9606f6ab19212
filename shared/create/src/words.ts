import { camelCase, pascalCase } from './names.ts';

/** A name of a template, of two words at least so that its spellings differ, and what stands in its place. */
export type Renaming = readonly [from: string, to: string];

/**
 * Renames in every spelling at once: `honey-jar`, `honeyJar`, `HoneyJar`, `HONEY_JAR` and "a honey jar" become `invoice`,
 * `invoice`, `Invoice`, `INVOICE` and "an invoice". Of names that begin alike the longest wins.
 */
export function renameWords(text: string, renamings: readonly Renaming[]): string {
  const spellings = new Map(renamings.flatMap(([from, to]) => spellingsOf(from, to)));
  const longestFirst = [...spellings.keys()].toSorted((a, b) => b.length - a.length);
  const found = new RegExp(`(\\b[Aa]n? )?(${longestFirst.join('|')})`, 'g');
  return text.replace(found, (_, article: string | undefined, spelling: string) => {
    const to = spellings.get(spelling) ?? spelling;
    return article === undefined ? to : `${article.slice(0, 1)}${/^[aeiou]/i.test(to) ? 'n' : ''} ${to}`;
  });
}

function spellingsOf(from: string, to: string): readonly Renaming[] {
  const inText = (name: string): string => name.replaceAll('-', ' ');
  const inCapitals = (name: string): string => name.replaceAll('-', '_').toUpperCase();
  const atTheStart = (name: string): string => inText(name).replace(/^./, (letter) => letter.toUpperCase());
  return [
    [from, to],
    [camelCase(from), camelCase(to)],
    [pascalCase(from), pascalCase(to)],
    [inCapitals(from), inCapitals(to)],
    [inText(from), inText(to)],
    [atTheStart(from), atTheStart(to)],
  ];
}
