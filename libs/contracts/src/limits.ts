/** Bounds that more than one part must agree on. Each refusal names its limit by these words. Sizes are in bytes. */
export const limits = {
  /** A definition's text, as sent. */
  definitionBytes: 8 * 1024 * 1024,
  /** A text of YAML: while it is read it takes up to fifty times as much memory. A longer definition is sent as JSON. */
  yamlBytes: 2 * 1024 * 1024,
  /** Entries of a definition, groups' content and `finally` included. */
  actionsPerWorkflow: 100_000,
  /** A value that travels inside a message; larger ones go through the filestore as a `$value` reference. */
  inlineValueBytes: 64 * 1024,
  /** An event's data. */
  eventBytes: 256 * 1024,
  /** The inputs of one start together; the largest go through the filestore until they fit. */
  startInputsBytes: 256 * 1024,
  /** A value kept in a run's state; larger ones are read from the log again when they are needed. */
  stateValueBytes: 1024,
  /** One message of the broker. */
  messageBytes: 4 * 1024 * 1024,
  /** Nesting of one message: of a value, of what a definition puts around it, and of the message around that. */
  messageDepth: 1_000,
  /** Handlers of one deployment that are made warm before its first run. */
  prewarmedHandlers: 100,
  /** Elements of one `for_each`. */
  elementsPerCollection: 1_000_000,
  /** Log bytes kept for one attempt; what comes after is dropped and said so in the log's last line. */
  logBytesPerAttempt: 16 * 1024 * 1024,
  /** An uploaded file or action folder. */
  uploadBytes: 1024 * 1024 * 1024,
  /** Nesting of a value that every part of the engine can walk, given or made by a run; deeper ones are a mistake or an attack. */
  valueDepth: 500,
  /** Values that are written out together, as JSON, with all that their references stand for: what an action is given, or returns. */
  valueBytes: 128 * 1024 * 1024,
  /** Labels of a run. */
  labels: 64,
  /** Runs that one call can start. */
  runsPerBatch: 1_000,
  /** Starts and deployments that an intake has in hand: from before it reads anything of them until they are answered. */
  startsInFlight: 2_000,
  /** Runs of a project that have not ended. */
  runsInFlightPerProject: 100_000,
  /** Bodies of requests that an intake holds in memory at once. */
  bodyBytesInFlight: 64 * 1024 * 1024,
  /** A request's body that is held in memory: a definition with inputs beside it, or a batch of runs. */
  bodyBytes: 16 * 1024 * 1024,
} as const;
