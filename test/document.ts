import { readFile, writeFile } from 'node:fs/promises';

/** Puts a text between `<!-- name:begin -->` and `<!-- name:end -->` of a document; `file` is its path from the root. */
export async function fillBlock(file: string, name: string, text: string): Promise<void> {
  const url = new URL(`../${file}`, import.meta.url);
  const block = new RegExp(`(<!-- ${name}:begin -->\\n)[^]*(<!-- ${name}:end -->)`);
  const document = await readFile(url, 'utf8');
  if (!block.test(document)) throw new Error(`[waggle] ${file} has lost its markers <!-- ${name}:begin -->`);
  await writeFile(
    url,
    document.replace(block, (_, begin: string, end: string) => `${begin}\n${text}\n\n${end}`),
  );
}

/** @throws Error that says what was got */
export function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`[waggle] --${option} is "${text}": give a whole number above 0`);
}
