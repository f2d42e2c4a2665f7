/** Where a command writes and what it may know of its surroundings; tests hand in their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Columns of the window; 80 where nobody says. */
  readonly width: number;
  /** Somebody looks at it, and has not asked for no colour (https://no-color.org). */
  readonly colour: boolean;
  /** Resolves when the process is asked to end, or the launcher that started it is gone. */
  untilStopped(): Promise<void>;
}

const DEFAULT_WIDTH = 80;

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    environment: env,
    width: stdout.columns ?? (Number(env["COLUMNS"]) || DEFAULT_WIDTH),
    colour: stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
    untilStopped,
  };
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => {
    process.off("disconnect", stop);
    for (const signal of SIGNALS) process.off(signal, stop);
    resolve();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  process.on("disconnect", stop);
  // Listening would keep a server that could not start alive for as long as its launcher.
  process.channel?.unref();
  // The launcher's channel closed before anyone listened.
  if (process.connected === false) stop();
  return promise;
}
