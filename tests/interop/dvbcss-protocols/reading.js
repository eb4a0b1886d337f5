// Reads a clock and CLOCK_MONOTONIC at one instant: again, if something came in between.
"use strict";

const LONG_NS = 200000n;
const TRIES = 10;

module.exports = function readTogether(clock) {
  for (let tries = 1; ; tries++) {
    const before = process.hrtime.bigint();
    const wall = clock.now();
    const after = process.hrtime.bigint();
    if (after - before < LONG_NS || tries === TRIES) {
      return { monotonic_ns: String((before + after) / 2n), wall_ns: wall };
    }
  }
};
