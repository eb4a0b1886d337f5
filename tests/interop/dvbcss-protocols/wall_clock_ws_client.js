// Other people's wall-clock client: dvbcss-protocols' WebSocket clients.
//
//   node wall_clock_ws_client.js URL binary|json INTERVAL_MS
//
// Prints every INTERVAL_MS a JSON line as wall_clock_client.js does.
"use strict";

const WebSocket = require("ws");
const Protocols = require("dvbcss-protocols");
const clocks = require("dvbcss-clocks");
const readTogether = require("./reading.js");

const [url, format, interval] = process.argv.slice(2);
const create = {
  binary: Protocols.WallClock.createBinaryWebSocketClient,
  json: Protocols.WallClock.createJsonWebSocketClient,
}[format];

const root = new clocks.DateNowClock();
const wallClock = new clocks.CorrelatedClock(root, { tickRate: 1e9 });
const socket = new WebSocket(url);

wallClock.availabilityFlag = false;
socket.binaryType = "arraybuffer";
create(socket, wallClock, {});
socket.on("close", () => process.exit(1));

setInterval(() => {
  const line = readTogether(wallClock);
  line.bound_s = wallClock.dispersionAtTime(line.wall_ns);
  line.available = wallClock.isAvailable();
  process.stdout.write(JSON.stringify(line) + "\n");
}, Number(interval));
