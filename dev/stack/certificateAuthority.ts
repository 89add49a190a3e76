import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** Issues certificates for servers on this machine. Its own key is never written anywhere. */
export interface CertificateAuthority {
  /** Its certificate (PEM), for those who are to trust its servers: `NODE_EXTRA_CA_CERTS` takes a file of it. */
  readonly certificate: string;
  /** A new key and its certificate (both PEM) for a server at this IP address. */
  issue(address: string): Promise<{ certificate: string; key: string }>;
}

const LIFETIME_MS = 24 * 3_600_000;
/** Clocks of servers and clients may differ. */
const HEAD_START_MS = 3_600_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const NAME = 'CN=Throw-away authority of a test';

/** Creates an authority to throw away: what it issues is good for a day. */
export async function createCertificateAuthority(now = new Date()): Promise<CertificateAuthority> {
  const validity = {
    notBefore: new Date(now.getTime() - HEAD_START_MS),
    notAfter: new Date(now.getTime() + LIFETIME_MS),
  };
  const keys = await createKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: NAME,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    certificate: pemOf(certificate),
    async issue(address) {
      const server = await createKeys();
      const issued = await X509CertificateGenerator.create({
        ...validity,
        subject: `CN=${address}`,
        issuer: NAME,
        publicKey: server.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: address }])],
      });
      const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', server.privateKey));
      return {
        certificate: pemOf(issued),
        key: `-----BEGIN PRIVATE KEY-----\n${key.toString('base64')}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}

function createKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
