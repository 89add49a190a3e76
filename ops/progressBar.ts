import { clearLine, cursorTo } from 'node:readline';
import type { WriteStream } from 'node:tty';

const WIDTH = 30;

/** A bar that is drawn again in its place. */
export interface ProgressBar {
  show(done: number): void;
  /** Leaves an empty line. */
  clear(): void;
}

/**
 * Draws a progress bar in one line of a terminal. A stream that is no terminal gets nothing.
 * @param total Roughly how many steps there are; once more are done, the bar is full.
 */
export function createProgressBar(stream: WriteStream, total: number): ProgressBar {
  function draw(text: string): void {
    if (!stream.isTTY) {
      return;
    }
    clearLine(stream, 0);
    cursorTo(stream, 0);
    stream.write(text);
  }
  return {
    show(done) {
      const share = Math.min(1, done / Math.max(1, total));
      const filled = Math.round(share * WIDTH);
      draw(`${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${done} of ${Math.max(done, total)}`);
    },
    clear: () => draw(''),
  };
}
