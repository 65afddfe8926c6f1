import { join } from 'node:path';
import type { Isolation } from './isolation';
import type { GroupContext } from './process-group';
import { Room } from './room';
import type { Scratch } from './scratch';

export interface RoomsOptions {
  readonly scratch: Scratch;
  readonly isolation: Isolation;
  /** Paths under /tmp that actions must still see. */
  readonly visible: readonly string[];
  readonly graceMs: number;
}

/** Makes rooms, and says how processes are started in them. */
export class Rooms {
  private made = 0;
  private readonly closing = new Set<Promise<void>>();

  constructor(private readonly options: RoomsOptions) {}

  open(): Promise<Room> {
    const { scratch, isolation, visible } = this.options;
    this.made += 1;
    return Room.create(join(scratch.rooms, String(this.made)), isolation, visible);
  }

  /** Removes a room, once whoever is in it has gone. Only `emptied` waits for that. */
  close(room: Room, gone: Promise<unknown>): void {
    const closed = gone.then(() => room.remove()).catch(() => undefined);
    this.closing.add(closed);
    void closed.then(() => this.closing.delete(closed));
  }

  /** Resolves when every room that was closed is gone. */
  async emptied(): Promise<void> {
    await Promise.all(this.closing);
  }

  contextOf(room: Room): GroupContext {
    const { isolation, scratch, graceMs } = this.options;
    return { isolation, room, processes: scratch.processes, graceMs };
  }
}
