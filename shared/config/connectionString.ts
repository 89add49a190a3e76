/** Whether the text is a storage connection string that leads to a queue service and a table service with a key to both. */
export function isConnectionString(text: string): boolean {
  const parts = new Map(text.split(';').map(nameAndValue));
  if (parts.get('usedevelopmentstorage')?.toLowerCase() === 'true') return true;
  if (parts.get('accountname') && parts.get('accountkey')) return true;
  return Boolean(
    parts.get('sharedaccesssignature') && parts.get('queueendpoint') && parts.get('tableendpoint'),
  );
}

/** Splits at the first `=` only: keys and signatures hold more of them. */
function nameAndValue(part: string): [name: string, value: string] {
  const [name = '', ...value] = part.split('=');
  return [name.trim().toLowerCase(), value.join('=').trim()];
}
