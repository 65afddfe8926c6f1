import type { Simulation } from './simulation';
import { GroupCommit, Station, type Host } from './station';
import type { Costs } from './unit-costs';

/** One database of the log: what it computes on its cores, and what it waits for on its disk. */
export class LogModel {
  readonly database: Station;
  readonly disk: GroupCommit;
  events = 0;
  private readonly followers: Followers[] = [];
  private turn = 0;

  constructor(
    private readonly simulation: Simulation,
    cores: number,
    private readonly eventBytes: number,
    private readonly costs: Costs,
    host?: Host,
  ) {
    this.database = new Station(simulation, cores, host);
    this.disk = new GroupCommit(simulation, {
      flushS: costs.flushUs / 1e6,
      bytesPerS: costs.walMibPerS * 2 ** 20,
    });
  }

  /** One statement on one connection. */
  append(events: number, committed: () => void): void {
    const { appendUsPerBatch, appendUsPerEvent, databaseRoundTripUs, walBytesPerEvent } = this.costs;
    this.simulation.after(databaseRoundTripUs / 1e6, () => {
      this.database.serve((appendUsPerBatch + events * appendUsPerEvent) / 1e6, () => {
        this.disk.commit(events * (this.eventBytes + walBytesPerEvent), () => {
          this.events += events;
          this.share(events);
          committed();
        });
      });
    });
  }

  /** State stores that follow this log, each its share of the streams. */
  follow(followers: Followers): void {
    this.followers.push(followers);
  }

  /** By a hash of the stream, hence evenly. */
  private share(events: number): void {
    const { length } = this.followers;
    for (let event = 0; event < Math.min(events, length); event++) {
      const count = Math.floor((events - event - 1) / length) + 1;
      const { projections, relay } = this.followers[(this.turn + event) % length] ?? {};
      projections?.grew(count, this.simulation.now);
      relay?.grew(count, this.simulation.now);
    }
    this.turn = (this.turn + events) % Math.max(1, length);
  }
}

/** Is told of what was committed. */
export interface Follower {
  grew(events: number, at: number): void;
}

interface Followers {
  readonly projections: Follower;
  readonly relay: Follower;
}
