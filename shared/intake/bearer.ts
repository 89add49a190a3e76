/** A message that carries a submission. Two of them may carry the same one, after a crash. */
export interface Bearer {
  /** Stays the same when the message is delivered again. */
  messageId: string;
  /** The key of the claim that the message which put this one back was holding. */
  claimKey?: string | undefined;
}
