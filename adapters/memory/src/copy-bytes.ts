const SLAB_BYTES = 65_536;
const LARGE_BYTES = 4_096;

let slab = new ArrayBuffer(SLAB_BYTES);
let used = 0;

/**
 * A copy of its own. Small ones are views of a common buffer, never at its beginning for long, as they are in what comes
 * from a socket: much cheaper, and whoever reads `.buffer` without `.byteOffset` notices here already.
 */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const { byteLength } = bytes;
  if (byteLength > LARGE_BYTES) return new Uint8Array(bytes);
  if (used + byteLength > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES);
    used = 0;
  }
  const copy = new Uint8Array(slab, used, byteLength);
  copy.set(bytes);
  used += byteLength;
  return copy;
}
