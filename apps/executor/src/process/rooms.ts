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

  constructor(private readonly options: RoomsOptions) {}

  open(): Promise<Room> {
    const { scratch, isolation, visible } = this.options;
    this.made += 1;
    return Room.create(join(scratch.rooms, String(this.made)), isolation, visible);
  }

  contextOf(room: Room): GroupContext {
    const { isolation, scratch, graceMs } = this.options;
    return { isolation, room, processes: scratch.processes, graceMs };
  }
}
