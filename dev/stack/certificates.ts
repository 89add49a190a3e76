import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** A certificate for servers on loopback, in files, for programs that read them. */
export interface ServerCertificate {
  /** Certificate (PEM) of the authority that issued it, and a file of it for `NODE_EXTRA_CA_CERTS`. */
  readonly authority: string;
  readonly authorityFile: string;
  /** PEM. */
  readonly certificate: string;
  readonly certificateFile: string;
  /** PEM. */
  readonly key: string;
  readonly keyFile: string;
  /** Deletes the files. */
  remove(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

/** Creates a certificate, and the authority behind it, to throw away. */
export async function createServerCertificate(): Promise<ServerCertificate> {
  const folder = await mkdtemp(join(tmpdir(), 'server-certificate-'));
  const write = async (name: string, content: string) => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  const authority = await createCertificateAuthority();
  const { certificate, key } = await authority.issue(LOOPBACK);
  const [authorityFile, certificateFile, keyFile] = await Promise.all([
    write('authority.pem', authority.certificate),
    write('certificate.pem', certificate),
    write('key.pem', key),
  ]);
  return {
    authority: authority.certificate,
    authorityFile,
    certificate,
    certificateFile,
    key,
    keyFile,
    remove: () => rm(folder, { recursive: true }),
  };
}

function createKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
