/**
 * A queue message holds at most 64 KiB of text
 * (https://learn.microsoft.com/rest/api/storageservices/put-message), and base64 takes a third more than its content.
 */
const LONGEST_CONTENT_BYTES = 49_152;

export function fitsMessage(content: string): boolean {
  return Buffer.byteLength(content, 'utf8') <= LONGEST_CONTENT_BYTES;
}

/** The text of a message with this content: base64, which queue triggers and the Logic Apps connector read as it is. */
export function toMessageText(content: string): string {
  return Buffer.from(content, 'utf8').toString('base64');
}
