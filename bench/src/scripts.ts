import type { ChildProcess } from 'node:child_process';

export interface LocalServer {
  readonly url: string;
  readonly pid: number;
  /** @param signal SIGKILL for a broker whose data nobody needs any more */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface StartedService {
  readonly label: string;
  readonly pid: number;
  /** Where nobody else starts it again. */
  readonly restart?: () => Promise<void>;
}

interface EngineProcess {
  readonly child: ChildProcess & { readonly pid: number };
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServiceProcesses {
  start(replicas: Readonly<Record<string, number>>): Promise<void>;
  describe(): readonly StartedService[];
  stop(): Promise<void>;
}

/** What we use of the scripts by which everybody starts the engine: the benchmark measures what they start. */
export interface Scripts {
  buildIfStale(): Promise<void>;
  inRoot(...path: readonly string[]): string;
  freePorts(count: number): Promise<number[]>;
  startLocalPostgres(directory: string): Promise<LocalServer>;
  startLocalRabbitMq(directory: string): Promise<LocalServer>;
  parseReplicas(text?: string): Record<string, number>;
  readonly Engine: new (options: {
    readonly dataDirectory: string;
    readonly port: number;
    readonly env: NodeJS.ProcessEnv;
    readonly onLog: (line: string) => void;
  }) => EngineProcess;
  readonly Services: new (options: {
    readonly env: NodeJS.ProcessEnv;
    readonly httpPort: string;
    readonly onGivenUp: (reason: string) => void;
    readonly onLine: (label: string, line: string) => void;
  }) => ServiceProcesses;
}
