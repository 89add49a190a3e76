import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a script ended that was run in the session. */
export interface Ended {
  status: number;
  output: string;
  errors: string;
}

/** A PowerShell process that runs one script after the other: starting one for each would take seconds every time. */
export interface PowerShellSession {
  /** Runs a script with these parameters and variables of the environment. */
  run(script: string, parameters: object, environment: Readonly<Record<string, string>>): Promise<Ended>;
  /** Runs what somebody would type, with these variables of the environment. */
  runLine(line: string, environment: Readonly<Record<string, string>>): Promise<Ended>;
  stop(): Promise<void>;
}

/** Ends what a script wrote, in both streams. */
const END = '\u001e';

/** Each line of the input is a job. `Start-Sleep` becomes `sleep`, for which a test may have a stand-in. */
const PROGRAM = `
function global:Start-Sleep([int] $Seconds) { sleep $Seconds }
while ($null -ne ($line = [Console]::In.ReadLine())) {
  $job = $line | ConvertFrom-Json -AsHashtable
  $before = @{}
  foreach ($name in $job.environment.Keys) {
    $before[$name] = [Environment]::GetEnvironmentVariable($name)
    [Environment]::SetEnvironmentVariable($name, $job.environment[$name])
  }
  $parameters = $job.parameters
  $status = 1
  try {
    $global:LASTEXITCODE = 0
    $code = $job.line ? [scriptblock]::Create($job.line) : $job.script
    & $code @parameters
    $status = $LASTEXITCODE
  } catch {
    [Console]::Error.WriteLine("$_")
  }
  foreach ($name in $before.Keys) { [Environment]::SetEnvironmentVariable($name, $before[$name]) }
  [Console]::Out.WriteLine("\`u{1e}$status")
  [Console]::Error.WriteLine("\`u{1e}")
}`;

export function startPowerShell(): PowerShellSession {
  const shell = spawn('pwsh', ['-NoProfile', '-NonInteractive', '-Command', PROGRAM], { stdio: 'pipe' });
  const closed = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  const output = untilEnd(shell.stdout, closed);
  const errors = untilEnd(shell.stderr, closed);
  let last: Promise<unknown> = Promise.resolve();

  async function runNext(job: object): Promise<Ended> {
    shell.stdin.write(`${JSON.stringify(job)}\n`);
    const [{ text, end }, { text: said }] = await Promise.all([output(), errors()]);
    return { status: Number(end), output: text, errors: said };
  }

  function runInTurn(job: object): Promise<Ended> {
    const ended = last.then(() => runNext(job));
    last = ended.catch(() => undefined);
    return ended;
  }

  return {
    run: (script, parameters, environment) => runInTurn({ script, parameters, environment }),
    runLine: (line, environment) => runInTurn({ line, parameters: {}, environment }),
    async stop() {
      shell.stdin.end();
      await closed;
    },
  };
}

/** What gives the text up to the next end, and what stands behind that. It fails when the process ends before. */
function untilEnd(stream: NodeJS.ReadableStream, closed: Promise<void>) {
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  createInterface({ input: stream }).on('line', (line) => {
    lines.push(line);
    waiting.shift()?.();
  });
  return async (): Promise<{ text: string; end: string }> => {
    for (;;) {
      const index = lines.findIndex((line) => line.startsWith(END));
      if (index >= 0) {
        const [end = '', ...before] = lines.splice(0, index + 1).reverse();
        return {
          text: before
            .toReversed()
            .map((line) => `${line}\n`)
            .join(''),
          end: end.slice(END.length),
        };
      }
      const next = new Promise<'line'>((resolve) => waiting.push(() => resolve('line')));
      const ended = closed.then(() => 'closed' as const);
      if ((await Promise.race([next, ended])) === 'closed') {
        throw new Error(`PowerShell has ended: ${lines.join('\n')}`);
      }
    }
  };
}
