/** Something that calls a function whenever its trigger fires. */
export interface Listener {
  /** Takes no more work, and resolves when what is in flight is done. */
  drain(): Promise<void>;
}
