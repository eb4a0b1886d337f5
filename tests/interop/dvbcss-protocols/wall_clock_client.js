// Other people's wall-clock client: dvbcss-protocols' UDP client.
//
//   node wall_clock_client.js HOST PORT INTERVAL_MS
//
// Prints every INTERVAL_MS a JSON line {"monotonic_ns", "wall_ns", "bound_s", "available"}: what its
// wall clock shows at CLOCK_MONOTONIC, and how far it says that it may be off.
"use strict";

const dgram = require("dgram");
const Protocols = require("dvbcss-protocols");
const clocks = require("dvbcss-clocks");
const readTogether = require("./reading.js");

const [host, port, interval] = process.argv.slice(2);

const root = new clocks.DateNowClock();
const wallClock = new clocks.CorrelatedClock(root, { tickRate: 1e9 });
const socket = dgram.createSocket("udp4");

wallClock.availabilityFlag = false;
socket.on("listening", () => {
  Protocols.WallClock.createBinaryUdpClient(socket, wallClock, {
    dest: { address: host, port: Number(port) },
  });
});
socket.bind();

setInterval(() => {
  const line = readTogether(wallClock);
  line.bound_s = wallClock.dispersionAtTime(line.wall_ns);
  line.available = wallClock.isAvailable();
  process.stdout.write(JSON.stringify(line) + "\n");
}, Number(interval));
