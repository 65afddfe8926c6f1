// In the worker's process: what it tells the submitter.
import { now } from './clock.mjs';

/** What the submitter passed on: where the server is, and which way of several the peer works. */
export const target = JSON.parse(process.env.PEER_TARGET ?? '{}');

/** Messages of one turn of the event loop go as one. */
export class Reporter {
  #steps = 0;
  #messages = [];

  constructor() {
    process.on('message', (message) => {
      if (message === 'steps') this.#push(['steps', this.#steps]);
    });
    process.on('disconnect', () => process.exit(0));
  }

  ready() {
    this.#push(['ready']);
  }

  /** The step that does nothing: counted, and the first of a run stamped. */
  step(runId, index) {
    this.#steps += 1;
    if (index === 0) this.#push([`started:${runId}`, now()]);
    return { ok: true, index };
  }

  ended(runId) {
    this.#push([`ended:${runId}`]);
  }

  /** A failed step spoils the measurement. */
  failed(error) {
    console.error(error);
    process.exit(1);
  }

  #push(message) {
    if (this.#messages.push(message) > 1) return;
    setImmediate(() => {
      process.send(this.#messages);
      this.#messages = [];
    });
  }
}
