import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateAuthority } from './certificateAuthority.ts';

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
