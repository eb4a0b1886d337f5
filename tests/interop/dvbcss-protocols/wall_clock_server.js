// Other people's wall-clock server: dvbcss-protocols' UDP server on a free port of 127.0.0.1.
//
//   node wall_clock_server.js [follow-up]
//
// Prints one JSON line {"port"}; then every 100 ms {"monotonic_ns", "wall_ns"}: what its wall
// clock shows at CLOCK_MONOTONIC.
"use strict";

const dgram = require("dgram");
const Protocols = require("dvbcss-protocols");
const clocks = require("dvbcss-clocks");
const readTogether = require("./reading.js");

const root = new clocks.DateNowClock();
const wallClock = new clocks.CorrelatedClock(root, { tickRate: 1e9 });
const socket = dgram.createSocket("udp4");

socket.on("listening", () => {
  Protocols.WallClock.createBinaryUdpServer(socket, wallClock, {
    precision: root.dispersionAtTime(root.now()),
    maxFreqError: root.getRootMaxFreqError(),
    followup: process.argv[2] === "follow-up",
  });
  process.stdout.write(JSON.stringify({ port: socket.address().port }) + "\n");
});
socket.bind(0, "127.0.0.1");

setInterval(() => {
  const before = process.hrtime.bigint();
  const wall = wallClock.now();
  const after = process.hrtime.bigint();
  // Not if the process was interrupted between the readings.
  if (after - before > 200000n) return;
  const line = { monotonic_ns: String((before + after) / 2n), wall_ns: wall };
  process.stdout.write(JSON.stringify(line) + "\n");
}, 100);
