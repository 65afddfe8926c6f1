/** What the exit status says; scripts rely on it. */
export const exitStatus = {
  /** Done; for a run that was watched: it succeeded. */
  ok: 0,
  /** The run failed or was cancelled; an image could not be built. */
  runFailed: 1,
  /** Wrong use, a wrong definition, or something that the engine refused. */
  wrongUse: 2,
  /** The engine cannot be reached, or cannot answer now. */
  unreachable: 3,
  /** Ctrl-C: the terminal has left, the run goes on. */
  detached: 130,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];
