import type { DeadLetter } from '@waggle/kernel';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A dead letter without its body and headers, for lists. */
export function summaryOf({ body, headers: _, ...told }: DeadLetter) {
  return { ...told, bodyBytes: body.byteLength };
}

export type Summary = ReturnType<typeof summaryOf>;

/** All of a dead letter, in text: a body that is not UTF-8 is in Base64. */
export function detailsOf(deadLetter: DeadLetter) {
  const { headers, body } = deadLetter;
  return { ...summaryOf(deadLetter), headers, ...textOf(body) };
}

export type Details = ReturnType<typeof detailsOf>;

function textOf(body: Uint8Array) {
  try {
    return { bodyEncoding: 'utf-8', body: utf8.decode(body) } as const;
  } catch {
    return { bodyEncoding: 'base64', body: Buffer.from(body).toString('base64') } as const;
  }
}
