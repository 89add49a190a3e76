import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createCertificateAuthority } from '#dev/stack/certificates.ts';

const LOOPBACK = '127.0.0.1';

/** What a client that trusts this authority gets from a server with this certificate: the status, or the error's code. */
async function answerOf(server: { certificate: string; key: string }, trusted: string): Promise<unknown> {
  const listener = createServer({ cert: server.certificate, key: server.key }, (_, response) =>
    response.end(),
  );
  listener.listen(0, LOOPBACK);
  onTestFinished(() => void listener.close());
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const request = get({ host: LOOPBACK, port, ca: trusted, agent: false });
  return once(request, 'response').then(
    ([response]) => response.resume().statusCode,
    (error) => error.code,
  );
}

test('a client that trusts the authority trusts its servers, and one that trusts another of the same name does not', async () => {
  const authority = await createCertificateAuthority();
  const server = await authority.issue(LOOPBACK);
  expect(await answerOf(server, authority.certificate)).toBe(200);
  expect(await answerOf(server, (await createCertificateAuthority()).certificate)).toBe(
    'CERT_SIGNATURE_FAILURE',
  );
});

test('a certificate holds for its address alone', async () => {
  const authority = await createCertificateAuthority();
  const elsewhere = await authority.issue('127.0.0.2');
  expect(await answerOf(elsewhere, authority.certificate)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});

test('a certificate ends after a day', async () => {
  const yesterday = new Date(Date.now() - 24 * 3_600_000 - 1_000);
  const authority = await createCertificateAuthority(yesterday);
  expect(await answerOf(await authority.issue(LOOPBACK), authority.certificate)).toBe('CERT_HAS_EXPIRED');
});

test('a server cannot act as the authority', async () => {
  const authority = await createCertificateAuthority();
  const [issuer, server] = [authority.certificate, (await authority.issue(LOOPBACK)).certificate].map(
    (pem) => new X509Certificate(pem),
  );
  expect([issuer?.ca, server?.ca]).toEqual([true, false]);
});

test('a certificate says for how long and for which address it holds, and each has a number of its own', async () => {
  const authority = await createCertificateAuthority(new Date('2027-01-02T03:04:05Z'));
  const [first, second] = await Promise.all([authority.issue(LOOPBACK), authority.issue(LOOPBACK)]);
  const [read, other] = [first, second].map(({ certificate }) => new X509Certificate(certificate));
  expect([read?.subjectAltName, read?.validFrom, read?.validTo]).toEqual([
    'IP Address:127.0.0.1',
    'Jan  2 02:04:05 2027 GMT',
    'Jan  3 03:04:05 2027 GMT',
  ]);
  expect(read?.serialNumber).not.toBe(other?.serialNumber);
});
