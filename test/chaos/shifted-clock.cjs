'use strict';

/*
 * Loaded into a service before its own code (`node --require`): on SIGUSR2 the wall clock of this one process jumps by so many
 * milliseconds as the file in CHAOS_CLOCK says. What a step of the system's clock would move is moved, `Date`; what it would
 * not move is not: `performance.now()`, `process.hrtime()` and timers are monotonic.
 */

const { readFileSync } = require('node:fs');

const RealDate = Date;
let shiftMs = 0;

process.on('SIGUSR2', () => {
  shiftMs = Number(readFileSync(process.env.CHAOS_CLOCK, 'utf8'));
});

globalThis.Date = new Proxy(RealDate, {
  construct: (target, values, made) =>
    Reflect.construct(target, values.length === 0 ? [target.now() + shiftMs] : values, made),
  apply: (target) => new target(target.now() + shiftMs).toString(),
  get: (target, key) => (key === 'now' ? () => target.now() + shiftMs : Reflect.get(target, key)),
});
