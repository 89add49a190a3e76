import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';

/** What a request to the compiler brings: its result, or what it has against it. */
type Answer = { result: unknown } | { error: string };

interface WorkerData {
  program: string;
  port: MessagePort;
  /** Set to 1 when an answer is there. */
  flag: Int32Array;
}

/** A first compilation takes some seconds. */
const LONGEST_REQUEST_MS = 60_000;

/**
 * One compiler process that answers all requests (`bicep jsonrpc`). A process for each would spend most of its seconds on
 * starting. It is asked from a thread of its own and waited for, so that tests read as if they called a function.
 * @param program The compiler.
 * @returns What sends a request and gives its result. @throws Error with the compiler's words.
 */
export function startBicepServer(program: string): (method: string, params: object) => unknown {
  const { port1, port2 } = new MessageChannel();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const data: WorkerData = { program, port: port2, flag };
  const worker = new Worker(new URL(import.meta.url), { workerData: data, transferList: [port2] });
  // The end of the tests ends both: the compiler stops when its input does.
  worker.unref();
  port1.unref();
  return (method, params) => {
    Atomics.store(flag, 0, 0);
    port1.postMessage({ method, params });
    Atomics.wait(flag, 0, 0, LONGEST_REQUEST_MS);
    const answer = receiveMessageOnPort(port1)?.message as Answer | undefined;
    if (answer === undefined) {
      throw new Error(
        `the Bicep compiler gave no answer to ${method} within ${LONGEST_REQUEST_MS / 1_000} s`,
      );
    }
    if ('error' in answer) {
      throw new Error(answer.error);
    }
    return answer.result;
  };
}

/** Passes requests on, one at a time: whoever asks waits for the answer. */
function serve({ program, port, flag }: WorkerData): void {
  const answer = (message: Answer) => {
    port.postMessage(message);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
  const compiler = spawn(program, ['jsonrpc', '--stdio'], {
    stdio: 'pipe',
    // .NET would watch the code for what to compile better, which a process of a few seconds never earns back.
    env: { ...process.env, DOTNET_TieredPGO: '0' },
  });
  /** Why there is no compiler (any more). */
  let end: string | undefined;
  const ended = (reason: string) => {
    end ??= reason;
    answer({ error: end });
  };
  compiler.once('error', ({ message }) => ended(message));
  compiler.once('close', (status) => ended(`the Bicep compiler has ended (${status})`));
  compiler.stdin.on('error', () => undefined);
  onMessages(compiler, (body) => {
    const { result, error } = JSON.parse(body) as { result?: unknown; error?: { message: string } };
    answer(error === undefined ? { result } : { error: error.message });
  });
  let id = 0;
  port.on('message', ({ method, params }: { method: string; params: object }) => {
    if (end !== undefined) {
      answer({ error: end });
      return;
    }
    id += 1;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    compiler.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  });
}

/** Messages with a head, as the language server protocol frames them. */
function onMessages({ stdout }: ChildProcessWithoutNullStreams, take: (body: string) => void): void {
  let received = Buffer.alloc(0);
  stdout.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const end = received.indexOf('\r\n\r\n');
      const length = Number(
        /Content-Length: (\d+)/i.exec(received.toString('utf8', 0, Math.max(0, end)))?.[1],
      );
      if (end < 0 || received.length < end + 4 + length) {
        return;
      }
      take(received.toString('utf8', end + 4, end + 4 + length));
      received = received.subarray(end + 4 + length);
    }
  });
}

if (workerData?.flag instanceof Int32Array) {
  serve(workerData as WorkerData);
}
