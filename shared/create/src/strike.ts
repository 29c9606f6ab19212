/** How something is spoken of: a name in any case, also as the first part of another one (`PIGEON_URL`). */
export type Words = readonly string[];

const WIDTH = 130;
/** Where an enumeration lost its last element. */
const LOST = '\u0000';
/** There are never ten notes. */
const DIGITS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/**
 * A Markdown text without a trace of something: out of an enumeration its element goes, out of a table its column or row, a line
 * out of a block of commands; else the sentence, and with a heading its section. What is left of a block without content goes, too.
 */
export function strike(text: string, words: Words): string {
  const hit = hitting(words);
  if (!hit(text)) return text;
  const kept: string[] = [];
  let below = Number.POSITIVE_INFINITY;
  let wasIntroduced = false;
  for (const block of blocksOf(text)) {
    if (block.startsWith('<!--')) below = Number.POSITIVE_INFINITY;
    const depth = /^#+(?= )/.exec(block)?.[0].length;
    if (depth !== undefined && depth <= below) below = Number.POSITIVE_INFINITY;
    if (depth !== undefined && below === Number.POSITIVE_INFINITY && hit(withoutElement(block, words)))
      below = depth;
    const wasAbout = wasIntroduced && /^ *```/.test(block);
    wasIntroduced = false;
    if (below < Number.POSITIVE_INFINITY || wasAbout) continue;
    if (!hit(block)) {
      kept.push(block);
      continue;
    }
    const rest = strikeBlock(block, words);
    if (rest === '') dropIntroduction(kept, block);
    else kept.push(rest);
    wasIntroduced = block.trimEnd().endsWith(':') && !rest.endsWith(':');
  }
  return `${renumber(text, withoutEmptySections(kept).join('\n\n')).trimEnd()}${/\n*$/.exec(text)?.[0] ?? ''}`;
}

/** Whether a text speaks of it. */
export function hitting(words: Words): (text: string) => boolean {
  const found = new RegExp(patternOf(words));
  return (text) => found.test(text);
}

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const patternOf = (words: Words): string =>
  `(?<![A-Za-z0-9])(?i:${words.map(escaped).join('|')})(?![A-Za-z0-9])`;

/** Paragraphs, lists, tables and fenced blocks: what stands between blank lines, but for those inside a fence. */
function blocksOf(text: string): readonly string[] {
  const blocks: string[] = [];
  let open = '';
  for (const part of text.split(/\n\n+/)) {
    open = open === '' ? part : `${open}\n\n${part}`;
    if ((open.match(/^ *```/gm) ?? []).length % 2 === 0) {
      blocks.push(open);
      open = '';
    }
  }
  return open === '' ? blocks : [...blocks, open];
}

function strikeBlock(block: string, words: Words): string {
  if (/^ *```/.test(block)) return strikeFence(block, words);
  if (block.startsWith('|')) return strikeTable(block, words);
  if (/^(- |\d+\. )/.test(block)) return strikeList(block, words);
  return strikeSentences(block, words);
}

/** Commands and pictures lose lines; code of which a part would be missing goes as a whole. */
function strikeFence(block: string, words: Words): string {
  const hit = hitting(words);
  const [opening = '', ...lines] = block.split(/(?<!\\)\n/); // a command may go on in the next line
  const rest = lines.map((line) => withoutElement(line, words));
  if (/^ *```(ts|js|json)/.test(opening) && rest.some(hit)) return '';
  const kept = rest.filter((line) => !hit(line));
  return kept.every((line) => /^ *(```|#|$)/.test(line)) ? '' : [opening, ...kept].join('\n');
}

function strikeTable(block: string, words: Words): string {
  const hit = hitting(words);
  const rows = block.split('\n').map((row) => row.replace(/^\| ?|\|$/g, '').split('|'));
  const gone = new Set(rows[0]?.flatMap((cell, index) => (hit(cell) ? [index] : [])));
  const kept = rows
    .map((cells) => cells.filter((_, index) => !gone.has(index)).map((cell) => withoutElement(cell, words)))
    .filter((cells) => !hit(cells.join('|')));
  const [head = []] = kept;
  if (
    kept.length <= 2 ||
    head.length < 2 ||
    (gone.size > 0 && head.every((cell, index) => index === 0 || cell.trim() === ''))
  )
    return '';
  return kept
    .map((cells) => `|${cells.map((cell) => (cell.startsWith(' ') ? cell : ` ${cell}`)).join('|')}|`)
    .join('\n');
}

function strikeList(block: string, words: Words): string {
  const items = block.split(/\n(?=- |\d+\. |<!--)/);
  let number = 0;
  return items
    .map((item) => {
      const [, mark = '', body = item] = /^(- |\d+\. )([^]*)$/.exec(item) ?? [];
      const rest = hitting(words)(body) ? strikeBody(body, words, mark.length) : body;
      if (rest.trim() === '') return '';
      return /^\d/.test(mark) ? `${++number}. ${rest}` : mark + rest;
    })
    .filter((item) => item !== '')
    .join('\n');
}

/** An item may hold commands of its own. */
function strikeBody(body: string, words: Words, indent: number): string {
  const parts = body.split(/\n(?= *```)|(?<=\n *```)\n/);
  return parts
    .map((part) => (/^ *```/.test(part) ? strikeFence(part, words) : strikeSentences(part, words, indent)))
    .filter((part) => part !== '')
    .join('\n');
}

function strikeSentences(block: string, words: Words, indent = 0): string {
  const hit = hitting(words);
  if (!hit(block)) return block;
  const line = withoutElement(block.replace(/\s*\n\s*/g, ' '), words);
  const sentences = line.split(/(?<=[.?!:][)"”*]*) (?=[A-Z`[(*“])/);
  const shorter = sentences.map((sentence) => withoutAside(sentence, hit));
  // What promises something goes with it.
  const isEmptyPromise = (sentence: string, next: string | undefined): boolean =>
    sentence.endsWith(':') && next !== undefined && hit(next);
  const kept = shorter.filter(
    (sentence, index) => !hit(sentence) && !isEmptyPromise(sentence, shorter[index + 1]),
  );
  return wrap(kept.join(' '), indent);
}

/** Without what is in brackets, or follows a semicolon, where that is all that speaks of it. */
function withoutAside(sentence: string, hit: (text: string) => boolean): string {
  if (!hit(sentence)) return sentence;
  const shorter = sentence.replace(/ \([^()]*\)/g, (aside) => (hit(aside) ? '' : aside));
  const clauses = shorter.split('; ');
  const kept = clauses.filter((clause) => !hit(clause));
  if (kept.length === clauses.length || hit(clauses[0] ?? '')) return shorter;
  return kept.join('; ').replace(/[^.?!:]$/, '$&.');
}

/** Out of "A, B or C", "on A, on B", `A|B|C` and "A and B". */
export function withoutElement(text: string, words: Words): string {
  const word = patternOf(words);
  const before = '(?:(?:on|in|to|from|at|of|with) )?';
  const name = `(?:\`[^\`]*${word}[^\`]*\`|\\*\\*[^*]*${word}[^*]*\\*\\*|${word}(?:[\\w./-]*[\\w/-])?(?: [A-Z]\\w*|(?= servers?) servers?)?)`;
  const end = "(?![\\w-]| [A-Z\\d]|'s|’s)";
  const steps: readonly [pattern: string, by: string][] = [
    [`,? (?:and|or) ${before}${name}${end}`, LOST],
    [`, ${before}${name}${end}(?=,? (?:and|or) |,)`, ''],
    [`; ${name}, `, '; '],
    [`; ${name}$`, ''],
    [`\\b(on|in|to|from|at|of|with) ${name}, (?=\\1 )`, ''],
    [`${name}, (?=\\S+(?: \\S+)?,? (?:and|or) |\\S+,)`, ''],
    [`\\b(on|in|to|from|at|of|with) ${name} (?:and|or) (?=\\1 )`, ''],
    [`${name} (?:and|or) `, ''],
    [`\\|${word}(?![\\w-])|(?<![\\w-])${word}\\|`, ''],
    [`, ${before}${name}${end}`, ''],
  ];
  return steps.reduce((found, [pattern, by]) => {
    const replaced = found.replace(new RegExp(pattern, 'g'), by);
    return by === LOST ? joined(replaced, found) : replaced;
  }, text);
}

/** "A, B" that lost its "and C" gets an "and" again. */
function joined(text: string, before: string): string {
  const conjunction = / or /.test(before) ? 'or' : 'and';
  const last = /, ((?:(?:on|in|to|from|at|of|with) )?[^ ,;\u0000]+(?: [A-Z]\w*)?)\u0000/g;
  return text.replace(last, ` ${conjunction} $1`).replaceAll(LOST, '');
}

function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > WIDTH)
      lines.push(lines.length > 0 ? ' '.repeat(indent) + word : word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}

/** What introduced a block that is gone says nothing any more. */
function dropIntroduction(kept: string[], block: string): void {
  if (!/^ *(```|\|)/.test(block)) return;
  const last = kept.at(-1) ?? '';
  if (!last.endsWith(':') || last.startsWith('#')) return;
  const sentences = last.split(/(?<=[.?!]) (?=[A-Z])/);
  if (sentences.length > 1) kept[kept.length - 1] = sentences.slice(0, -1).join(' ');
  else kept.pop();
}

/** A heading over nothing but another one of its rank says nothing. */
function withoutEmptySections(blocks: readonly string[]): readonly string[] {
  const depthOf = (block = '#'): number => /^#+(?= )/.exec(block)?.[0].length ?? Number.POSITIVE_INFINITY;
  return blocks.filter((block, index) => depthOf(block) > 6 || depthOf(block) < depthOf(blocks[index + 1]));
}

/** Where footnotes are gone, so are their marks, and the others close the gap: in each part between two comments by itself. */
function renumber(before: string, after: string): string {
  const partsOf = (text: string): readonly string[] => text.split(/(?=<!-- )/);
  const notesOf = (text: string): readonly string[] =>
    [...text.matchAll(/^([⁰¹²³⁴⁵⁶⁷⁸⁹]+) /gm)].map(([, mark = '']) => mark);
  const had = new Map(partsOf(before).map((part) => [part.split('\n')[0], notesOf(part)] as const));
  return partsOf(after)
    .map((part) => {
      const left = notesOf(part);
      if ((had.get(part.split('\n')[0]) ?? []).length === left.length) return part;
      const now = new Map(left.map((mark, index) => [mark, DIGITS[index + 1] ?? mark] as const));
      return part.replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g, (marks) =>
        Array.from(marks, (mark) => now.get(mark) ?? '').join(''),
      );
    })
    .join('');
}

/** A YAML text without the keys that are called so, with all below them, and without its lines and comments that say so. */
export function strikeYaml(text: string, words: Words): string {
  const hit = hitting(words);
  const kept: string[] = [];
  let below = Number.POSITIVE_INFINITY;
  for (const line of text.split('\n')) {
    const depth = line.search(/\S/);
    if (depth >= 0 && depth <= below) below = Number.POSITIVE_INFINITY;
    if (below < Number.POSITIVE_INFINITY) continue;
    const rest = line.trimStart().startsWith('#') ? withoutElement(line, words) : line;
    if (!hit(rest)) kept.push(rest);
    else if (!/^\s*#/.test(line)) below = depth;
  }
  return `${kept.join('\n').trimEnd()}\n`;
}
