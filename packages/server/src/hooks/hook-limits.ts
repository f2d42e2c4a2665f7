// The bounds of asking hooks that kit/limits.ts does not name, each with its reason.

export const HOOK_LIMITS = {
  /** What of a hook's own words reaches attempts and logs. */
  reasonCharacters: 300,
  /** Lambda takes 50 MB of zipped code; a bundled handler that only decides has a few hundred KiB. */
  sourceBytes: 4 * 1024 * 1024,
  secretCharactersAtLeast: 16,
  secretCharacters: 256,
  /** Enough for a factory's burst within five seconds; beyond it waiting would only end in a timeout. */
  queuedRequests: 256,
  webhooksInFlight: 64,
  /** As Lambda: a handler may keep the request in a variable of its module, and must not mix two devices up. */
  requestsPerProcess: 1,
  /** Processes of one handler, started as needed: each costs some 50 MB and a start of about 60 ms. */
  processes: 4,
  /** V8's heap, as Lambda's smallest function has it. */
  heapMiB: 128,
  /** The whole process, buffers outside the heap included; above it the process is killed. */
  residentMiB: 320,
  residentCheckMs: 100,
  startTimeoutMs: 10_000,
  /** A second process that nobody needs any more ends after this long. */
  idleProcessMs: 60_000,
  /** After a start that failed, the next try waits this long, doubling up to the longest. */
  restartDelayMs: 1_000,
  longestRestartDelayMs: 30_000,
  outputLineCharacters: 2_048,
  /** Of a line that does not end; a private key fits, so that it is recognized as a whole. */
  outputPendingCharacters: 16 * 1024,
  /** Lines of one process per window that reach the log; the rest is counted. */
  outputLines: 200,
  outputWindowMs: 10_000,
  breakerFailures: 5,
  breakerPauseMs: 10_000,
} as const;
