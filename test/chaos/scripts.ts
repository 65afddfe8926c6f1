/** What the campaign uses of the scripts by which everybody starts the engine and its servers. */
export interface Scripts {
  buildIfStale(): Promise<void>;
  inRoot(...path: readonly string[]): string;
  freePorts(count: number): Promise<number[]>;
  /** Put before a command, ends the process with us. */
  diesWithUs(): readonly string[];
  /** The path of a RabbitMQ server, after installing it where that is possible. */
  ensureRabbitMq(): Promise<string>;
  startRabbitMq(options: {
    readonly server: string;
    readonly directory: string;
    readonly name: string;
    readonly ports?: readonly number[];
  }): Promise<RunningRabbitMq>;
}

export interface RunningRabbitMq {
  readonly url: string;
  readonly managementUrl: string;
  readonly ports: readonly number[];
  stop(signal?: NodeJS.Signals): Promise<void>;
}
