/** Locks that one holder in the whole cluster has at a time: who relays a shard. They save work; the log decides. */
export interface Locks {
  /** Undefined when another holds it. */
  tryAcquire(name: string): Promise<Lock | undefined>;
}

export interface Lock {
  /** Aborted when the lock may have passed to another; not when it was released. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}
