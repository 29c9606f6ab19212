import { createAuthority, type Authority, type Certified } from '../../servers/certificates.ts';

/** The authorities that sign for a harness, and one that it does not trust. */
export interface Authorities {
  readonly authority: Authority;
  readonly stranger: Authority;
  readonly server: Certified;
  readonly client: Certified;
  /** Signed by the authority, and known to nobody. */
  readonly unknown: Certified;
  /** Removes the files. */
  remove(): void;
}

export async function createAuthorities(clientName: string): Promise<Authorities> {
  const [authority, stranger] = await Promise.all([createAuthority(), createAuthority('a stranger')]);
  const [server, client, unknown] = await Promise.all([
    authority.server('127.0.0.1'),
    authority.client(clientName),
    authority.client('nobody'),
  ]);
  const remove = (): void => [authority, stranger].forEach((each) => each.remove());
  return { authority, stranger, server, client, unknown, remove };
}
