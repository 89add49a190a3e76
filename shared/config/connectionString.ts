/** Whether the text is a storage connection string that leads to a queue service and a table service with a key to both. */
export function isConnectionString(text: string): boolean {
  const parts = new Map(text.split(';').map(nameAndValue));
  if (parts.get('usedevelopmentstorage')?.toLowerCase() === 'true') return true;
  if (parts.get('accountname') && parts.get('accountkey')) return true;
  return Boolean(
    parts.get('sharedaccesssignature') && parts.get('queueendpoint') && parts.get('tableendpoint'),
  );
}

/** The names as the SDKs read them, which tell upper case from lower; the Functions host does not. */
const NAMES = [
  'UseDevelopmentStorage',
  'DevelopmentStorageProxyUri',
  'DefaultEndpointsProtocol',
  'AccountName',
  'AccountKey',
  'EndpointSuffix',
  'BlobEndpoint',
  'QueueEndpoint',
  'TableEndpoint',
  'FileEndpoint',
  'SharedAccessSignature',
];

/** The connection string with its names spelt as the SDKs want them. */
export function canonicalConnectionString(text: string): string {
  const parts = text.split(';').filter((part) => part.trim() !== '');
  const spelt = parts.map((part) => {
    const [name, value] = nameAndValue(part);
    return `${NAMES.find((known) => known.toLowerCase() === name) ?? name}=${value}`;
  });
  return spelt.join(';');
}

/** Splits at the first `=` only: keys and signatures hold more of them. */
function nameAndValue(part: string): [name: string, value: string] {
  const [name = '', ...value] = part.split('=');
  return [name.trim().toLowerCase(), value.join('=').trim()];
}
