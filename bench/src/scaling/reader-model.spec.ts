import { ReaderModel } from './reader-model';
import { Simulation } from './simulation';

describe('a reader of the log', () => {
  it('rests after a page that was not full, and only then', () => {
    const simulation = new Simulation();
    const pages: { readonly at: number; readonly events: number }[] = [];
    const reader = new ReaderModel(simulation, {
      pageEvents: 10,
      restS: 1,
      wakeS: 0,
      handle: (events, done) => {
        pages.push({ at: simulation.now, events });
        simulation.after(0.125, done);
      },
    });
    reader.grew(25, 0);
    simulation.after(0.5, () => reader.grew(1, simulation.now));
    simulation.runUntil(10);
    expect(pages).toEqual([
      { at: 0, events: 10 },
      { at: 0.125, events: 10 },
      { at: 0.25, events: 5 },
      { at: 1.375, events: 1 },
    ]);
  });
});
