import { nkeys } from 'nats';

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** An operator with an account that has JetStream, in the server's memory; credentials of a user, and of a stranger. */
export function createOperator() {
  const [operator, account, system] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const unlimited = {
    subs: -1,
    data: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    conn: -1,
    leaf: -1,
    wildcards: true,
  };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const type = (kind: string, more: object) => ({ type: kind, version: 2, ...more });
  const own = sign(operator, operator, type('operator', { system_account: system.getPublicKey() }));
  const [accountJwt, systemJwt] = [account, system].map((each) =>
    sign(operator, each, type('account', { limits: { ...unlimited, ...(each === account && storage) } })),
  );
  const credsOf = (signer: KeyPair): string => {
    const user = nkeys.createUser();
    const jwt = sign(signer, user, type('user', { subs: -1, data: -1, payload: -1 }));
    const seed = new TextDecoder().decode(user.getSeed());
    return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n
-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
  };
  const config = `operator: "${own}"
resolver: MEMORY
resolver_preload: { ${account.getPublicKey()}: "${accountJwt}", ${system.getPublicKey()}: "${systemJwt}" }`;
  return { config, creds: credsOf(account), stranger: credsOf(nkeys.createAccount()) };
}

function sign(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { jti: `${Math.random()}`, iat: 1_700_000_000, iss: issuer.getPublicKey(), name: 'test' };
  const text = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode({ ...claims, sub: subject.getPublicKey(), nats })}`;
  return `${text}.${Buffer.from(issuer.sign(new TextEncoder().encode(text))).toString('base64url')}`;
}
