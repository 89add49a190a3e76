import { type HttpProxy, startHttpProxy } from './httpProxy.ts';

/** A way to a storage service that can be disturbed. */
export interface StorageProxy extends HttpProxy {
  /** The connection string with the service's address replaced by the proxy's. */
  readonly connectionString: string;
}

/** What the services answer while a role has not been granted, or has not arrived everywhere; no SDK asks again. */
export const FORBIDDEN = {
  status: 403,
  headers: { 'Content-Type': 'application/xml', 'x-ms-error-code': 'AuthorizationPermissionMismatch' },
  body: '<?xml version="1.0"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>No.</Message></Error>',
};

const BUSY = {
  status: 503,
  headers: { 'Content-Type': 'application/xml', 'x-ms-error-code': 'ServerBusy' },
  body: '<?xml version="1.0"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>',
};

/**
 * @param service The service that the proxy stands before; all others are reached directly.
 * @param refusal What it answers to what it refuses; as a service that is busy when left out.
 */
export async function startStorageProxy(
  connectionString: string,
  service: 'Queue' | 'Table',
  refusal = BUSY,
): Promise<StorageProxy> {
  const address = new RegExp(`${service}Endpoint=http://([^/;]+)`);
  const [, target = ''] = address.exec(connectionString) ?? [];
  const proxy = await startHttpProxy(target, refusal);
  return {
    ...proxy,
    connectionString: connectionString.replace(address, `${service}Endpoint=http://${proxy.host}`),
  };
}
