import { type HttpProxy, startHttpProxy } from './httpProxy.ts';

/** A way to a storage service that can be disturbed; what it refuses it answers as a service that throttles does. */
export interface StorageProxy extends HttpProxy {
  /** The connection string with the service's address replaced by the proxy's. */
  readonly connectionString: string;
}

const BUSY = {
  status: 503,
  headers: { 'Content-Type': 'application/xml', 'x-ms-error-code': 'ServerBusy' },
  body: '<?xml version="1.0"?><Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>',
};

/** @param service The service that the proxy stands before; all others are reached directly. */
export async function startStorageProxy(
  connectionString: string,
  service: 'Queue' | 'Table',
): Promise<StorageProxy> {
  const address = new RegExp(`${service}Endpoint=http://([^/;]+)`);
  const [, target = ''] = address.exec(connectionString) ?? [];
  const proxy = await startHttpProxy(target, BUSY);
  return {
    ...proxy,
    connectionString: connectionString.replace(address, `${service}Endpoint=http://${proxy.host}`),
  };
}
