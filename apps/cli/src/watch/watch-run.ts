import type { Context } from '../context';
import type { RunAnswer } from '../engine/answers';
import { runEvents } from '../engine/run-events';
import { exitStatus, type ExitStatus } from '../exit-status';
import { progressLines } from '../render/progress';
import { LiveScreen } from './live-screen';
import { PlainProgress } from './plain-progress';

/** How often the picture is drawn anew: quick enough to look alive, slow enough to cost nothing. */
const frameMs = 100;
/** The picture is made of a run's actions; its executions are not asked for. */
const noExecutions = 1;

/** Shows a run until it has ended, or until Ctrl-C; the run goes on then. */
export async function watchRun(context: Context, runId: string): Promise<ExitStatus> {
  const { engine, terminal, interrupted } = context;
  const picture = terminal.isInteractive ? livePicture(context) : plainPicture(context);
  const read = () => engine.run(runId, { limit: noExecutions });
  const frames = new Frames(
    async () => picture.show(await read()),
    () => picture.tick(),
  );
  try {
    const onLost = (reason: string) => picture.remark(`Lost the engine (${reason}); trying again…`);
    for await (const _event of runEvents(engine, runId, { signal: interrupted, onLost })) frames.changed();
  } finally {
    await frames.stop();
    picture.close();
  }
  if (interrupted.aborted) {
    terminal.note(`Detached; the run goes on. Come back with: ryax watch ${runId}`);
    return exitStatus.detached;
  }
  const run = await read();
  return run.state === 'succeeded' ? exitStatus.ok : exitStatus.runFailed;
}

interface Picture {
  show(run: RunAnswer): void;
  /** Time has passed, and nothing else. */
  tick(): void;
  remark(line: string): void;
  close(): void;
}

function livePicture({ terminal }: Context): Picture {
  const screen = new LiveScreen(terminal);
  let shown: RunAnswer | undefined;
  let remark: string | undefined;
  const draw = () => {
    if (shown === undefined) return;
    const lines = progressLines(shown, { paint: terminal.paint, nowMs: Date.now(), rows: terminal.size().rows });
    screen.draw(remark === undefined ? lines : [...lines, terminal.paint('yellow', remark)]);
  };
  return {
    show: (run) => {
      [shown, remark] = [run, undefined];
      draw();
    },
    tick: draw,
    remark: (line) => {
      remark = line;
      draw();
    },
    close: () => screen.close(),
  };
}

function plainPicture({ terminal }: Context): Picture {
  const progress = new PlainProgress();
  return {
    show: (run) => {
      for (const line of progress.news(run)) terminal.write(`${line}\n`);
    },
    tick: () => undefined,
    remark: (line) => terminal.note(line),
    close: () => undefined,
  };
}

/** Many events make one drawing: at most one is under way, and one that was asked for meanwhile follows it. */
class Frames {
  private readonly timer = setInterval(() => this.frame(), frameMs);
  private isStale = true;
  private drawing: Promise<void> | undefined;

  constructor(
    private readonly redraw: () => Promise<void>,
    private readonly tick: () => void,
  ) {}

  changed(): void {
    this.isStale = true;
  }

  /** The last drawing shows all that was announced. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.drawing;
    if (this.isStale) await this.attempt();
  }

  private frame(): void {
    if (this.drawing !== undefined) return;
    if (!this.isStale) return this.tick();
    this.drawing = this.attempt().finally(() => (this.drawing = undefined));
  }

  /** An engine that is away is the event stream's to notice: a picture is only a picture. */
  private async attempt(): Promise<void> {
    this.isStale = false;
    await this.redraw().catch(() => (this.isStale = true));
  }
}
