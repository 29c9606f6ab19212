/** What PostgreSQL's text cannot hold, or UTF-8 cannot say: zero, and half of a surrogate pair; and the mark of these. */
const ODD = /[\0\u001a\p{Cs}]/u;
const EACH_ODD = /[\0\u001a\p{Cs}]/gu;
const MARKED = /\u001a([0-9a-f]{4})/g;

/** A name as it is kept: any string, and none like another. JSON needs no such care, as it escapes these itself. */
export function toText(name: string): string {
  if (!ODD.test(name)) return name;
  return name.replace(EACH_ODD, (odd) => `\u001a${odd.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function fromText(text: string): string {
  if (!text.includes('\u001a')) return text;
  return text.replace(MARKED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

const TEXT_OID = 25;
const HEADER_BYTES = 20;

/**
 * A `text[]` in the binary format of the protocol (array_recv in the server's arrayfuncs.c). The client library would quote
 * each element for the text format, and the server would take that apart again: of JSON, which is full of quotes, this is
 * half as quick again.
 */
export function textArray(items: readonly (string | null)[]): Buffer {
  let size = HEADER_BYTES;
  const lengths = items.map((item) => (item === null ? -1 : Buffer.byteLength(item)));
  for (const length of lengths) size += 4 + Math.max(0, length);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  const put = (value: number): void => void (at = bytes.writeInt32BE(value, at));
  put(items.length === 0 ? 0 : 1); // dimensions
  put(items.includes(null) ? 1 : 0);
  put(TEXT_OID);
  if (items.length === 0) return bytes.subarray(0, at);
  put(items.length);
  put(1); // the index of the first
  items.forEach((item, index) => {
    put(lengths[index] ?? -1);
    if (item !== null) at += bytes.write(item, at);
  });
  return bytes;
}

/** The numbers of an `integer[]` as the server writes it. */
export function numbersOf(array: string): number[] {
  return array === '{}' ? [] : array.slice(1, -1).split(',').map(Number);
}
