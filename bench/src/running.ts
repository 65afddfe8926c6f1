const signals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** What has a life of its own, and must not outlive the benchmark. */
interface Stoppable {
  stop(): Promise<void>;
}

/**
 * What runs now: engines, servers of peers. On a signal all of it is stopped, the last first, and then the process ends. What is being
 * measured fails meanwhile, which nobody needs to be told.
 */
export class Running {
  private readonly held = new Set<Promise<Stoppable>>();
  private stopping: Promise<void> | undefined;

  /** Once a signal has come: until all is stopped. */
  get stopped(): Promise<void> | undefined {
    return this.stopping;
  }

  get isStopping(): boolean {
    return this.stopping !== undefined;
  }

  /** From before it has started: half a start is to be undone as well. To stop it twice must do no harm. */
  hold<T extends Stoppable>(starting: Promise<T>): Promise<T> {
    this.held.add(starting);
    // A start that failed has left nothing; its caller is told.
    starting.catch(() => this.held.delete(starting));
    return starting;
  }

  /** Ends the process on a signal. Answers how to leave that to others again. */
  stopOnSignals(end: (status: number) => void = (status) => process.exit(status)): () => void {
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const listeners = names.map((name) => {
      const listener = () => {
        // Ctrl-C comes twice, from the terminal and from npm.
        if (this.stopping !== undefined) return;
        console.error(`${name}: stopping what runs…`);
        this.stopping = this.stopAll();
        void this.stopping.finally(() => end(128 + signals[name]));
      };
      process.on(name, listener);
      return () => process.off(name, listener);
    });
    return () => {
      for (const leave of listeners) leave();
    };
  }

  private async stopAll(): Promise<void> {
    for (const starting of [...this.held].reverse()) {
      try {
        await (await starting).stop();
      } catch (error) {
        console.error(`Could not be stopped: ${String(error)}`);
      }
    }
  }
}
