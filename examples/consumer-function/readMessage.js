/** The version of the message that this program knows. Another one may mean something else by the same names. */
const KNOWN_VERSION = '1.0';

/**
 * Reads a message of the enrichments queue, with or without the envelope of a CloudEvent.
 * @param {unknown} content The message as JSON, parsed.
 * @returns The enrichment, and for a pointer where the device is.
 * @throws When it is something else, or has a version that is not known: better kept than misunderstood.
 */
export function readMessage(content) {
  const message = content?.specversion === '1.0' ? content.data : content;
  if (message?.schemaVersion !== KNOWN_VERSION) {
    throw new Error(
      `Version ${message?.schemaVersion} is not known, only ${KNOWN_VERSION}: update this program.`,
    );
  }
  const { table, partitionKey, rowKey, ...enrichment } = message;
  return { enrichment, row: table === undefined ? undefined : { table, partitionKey, rowKey } };
}
