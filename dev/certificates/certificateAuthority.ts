import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import * as der from './der.ts';

/** Issues certificates for servers on this machine. Its own key is never written anywhere. */
export interface CertificateAuthority {
  /** Its certificate (PEM), for those who are to trust its servers: `NODE_EXTRA_CA_CERTS` takes a file of it. */
  readonly certificate: string;
  /** A new key and its certificate (both PEM) for a server at this IPv4 address. */
  issue(address: string): { certificate: string; key: string };
}

const LIFETIME_MS = 24 * 3_600_000;
/** Clocks of servers and clients may differ. */
const HEAD_START_MS = 3_600_000;

/** https://www.rfc-editor.org/rfc/rfc5758#section-3.2 */
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
/** https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1 */
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const IP_ADDRESS = 7;

/** Creates an authority to throw away: what it issues is good for a day. */
export function createCertificateAuthority(now = new Date()): CertificateAuthority {
  const name = 'Throw-away authority of a test';
  const { publicKey, privateKey } = createKeys();
  const certify = (subject: string, subjectKey: KeyObject, extension: Buffer) =>
    createCertificate({ subject, subjectKey, extension, issuer: name, issuerKey: privateKey, now });
  return {
    certificate: certify(
      name,
      publicKey,
      der.sequence(
        der.objectIdentifier(BASIC_CONSTRAINTS),
        der.boolean(true),
        der.octetString(der.sequence(der.boolean(true))),
      ),
    ),
    issue(address) {
      const server = createKeys();
      const names = der.sequence(der.implicit(IP_ADDRESS, Buffer.from(address.split('.').map(Number))));
      return {
        certificate: certify(
          address,
          server.publicKey,
          der.sequence(der.objectIdentifier(SUBJECT_ALTERNATIVE_NAME), der.octetString(names)),
        ),
        key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      };
    },
  };
}

const createKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A certificate (PEM) as https://www.rfc-editor.org/rfc/rfc5280#section-4.1 lays it out. */
function createCertificate(parts: {
  subject: string;
  subjectKey: KeyObject;
  extension: Buffer;
  issuer: string;
  issuerKey: KeyObject;
  now: Date;
}): string {
  const { subject, subjectKey, extension, issuer, issuerKey, now } = parts;
  const VERSION_3 = 2;
  const algorithm = der.sequence(der.objectIdentifier(ECDSA_WITH_SHA256));
  const content = der.sequence(
    der.explicit(0, der.integer(VERSION_3)),
    der.integer(1, ...randomBytes(15)),
    algorithm,
    distinguishedName(issuer),
    der.sequence(
      der.utcTime(new Date(now.getTime() - HEAD_START_MS)),
      der.utcTime(new Date(now.getTime() + LIFETIME_MS)),
    ),
    distinguishedName(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    der.explicit(3, der.sequence(extension)),
  );
  const signature = sign('sha256', content, issuerKey);
  const lines = der
    .sequence(content, algorithm, der.bitString(signature))
    .toString('base64')
    .match(/.{1,64}/g);
  return ['-----BEGIN CERTIFICATE-----', ...(lines ?? []), '-----END CERTIFICATE-----', ''].join('\n');
}

function distinguishedName(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.objectIdentifier(COMMON_NAME), der.utf8String(commonName))));
}
