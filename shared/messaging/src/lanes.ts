import type { Lane } from './driver.ts';

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;
const utf8 = new TextEncoder();

/** FNV-1a, 32 bits, of the UTF-8 bytes (RFC 9923). Chosen because every language has it, or can have it in five lines. */
export function fnv1a(text: string): number {
  let hash = OFFSET_BASIS;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return fnv1aOfBytes(utf8.encode(text));
    hash = Math.imul(hash ^ code, PRIME);
  }
  return hash >>> 0;
}

function fnv1aOfBytes(bytes: Uint8Array): number {
  let hash = OFFSET_BASIS;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, PRIME);
  return hash >>> 0;
}

/** The lane of a key: its hash modulo the lane count. No key means the line without order. */
export function laneOf(key: string | undefined, lanes: number): Lane {
  return key === undefined ? 'unordered' : fnv1a(key) % lanes;
}
