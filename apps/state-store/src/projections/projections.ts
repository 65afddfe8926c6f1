import { advanceReader, type Database, type Readers, type Tail } from '@ryax/event-log';
import { decodeEvent } from '../tail/decoded-event';
import { ReaderMovedError, type LogReader, type StepOutcome } from '../tail/log-reader';
import { Projector } from './projector';
import { liveSchema, type ReadModelSchema } from './schema';

/** Events folded in one transaction: large enough to spread its cost, short enough not to hold up the tail (PROTOCOLS §3). */
const pageSize = 1_000;

/** Lists that want to be newer do not wait for it. */
const restMs = 50;

/** The name of the reader whose checkpoint says how far the read models have looked. */
export const projectionReader = 'projections';

/** Keeps the read models of one schema: each page and its checkpoint take effect in one transaction, hence once. */
export class Projections implements LogReader {
  readonly restMs = restMs;
  private position = 0;
  /** The transaction of our last page; undefined where nothing is remembered of it. */
  private writtenBy: string | undefined;
  private readonly projector: Projector;

  constructor(
    private readonly tail: Tail,
    private readonly readers: Readers,
    private readonly database: Database,
    private readonly onProjected: (position: number, events: number) => void = () => undefined,
    readonly name: string = projectionReader,
    schema: ReadModelSchema = liveSchema,
  ) {
    this.projector = new Projector(schema);
  }

  async resume(): Promise<void> {
    this.forget();
    this.position = await this.readers.position(this.name);
  }

  /** The read models may be others than those that it wrote. */
  forget(): void {
    this.writtenBy = undefined;
    this.projector.forget();
  }

  async step(): Promise<StepOutcome> {
    const page = await this.tail.read(this.position, pageSize);
    if (page.position === this.position) return page.waiting ? 'waiting' : 'idle';
    const events = page.events.map(decodeEvent);
    const { writtenBy, remember } = await this.database.derived(async (connection) => {
      // First: another who believes to be the active one waits here, and then finds it moved. So does who remembers rows that were swapped.
      const advancing = advanceReader(connection, this.name, this.position, page.position, this.writtenBy);
      const projecting = this.projector.project(connection, events);
      // Of rows that another has written already: why, is what the checkpoint says.
      projecting.catch(() => undefined);
      const writtenBy = await advancing;
      if (writtenBy === undefined) throw new ReaderMovedError(this.name, this.position);
      return { writtenBy, remember: await projecting };
    });
    remember();
    this.writtenBy = writtenBy;
    this.position = page.position;
    this.onProjected(page.position, events.length);
    return page.full ? 'full' : 'moved';
  }
}
