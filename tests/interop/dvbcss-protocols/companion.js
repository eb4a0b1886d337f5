// A companion made of other people's code: dvbcss-protocols' CII, UDP wall-clock and TS clients,
// started one after the other as a CII message brings the URLs.
//
//   node companion.js CII_URL SELECTOR TICK_RATE INTERVAL_MS
//
// Prints JSON lines: {"event":"cii",...} for each change, and every INTERVAL_MS
// {"event":"position", "monotonic_ns", "wall_ns", "wall_bound_s", "wall_available",
//  "position", "bound_s", "speed", "available"}; monotonic_ns is CLOCK_MONOTONIC.
"use strict";

const dgram = require("dgram");
const WebSocket = require("ws");
const Protocols = require("dvbcss-protocols");
const clocks = require("dvbcss-clocks");

const [ciiUrl, selector, tickRate, interval] = process.argv.slice(2);

const root = new clocks.DateNowClock();
const wallClock = new clocks.CorrelatedClock(root, { tickRate: 1e9 });
const timeline = new clocks.CorrelatedClock(wallClock, { tickRate: Number(tickRate) });
wallClock.availabilityFlag = false;
timeline.availabilityFlag = false;

let wcUrl = null;
let tsUrl = null;

function print(object) {
  process.stdout.write(JSON.stringify(object) + "\n");
}

function fail(what) {
  return (error) => {
    process.stderr.write(`${what}: ${error && error.message}\n`);
    process.exit(1);
  };
}

function startWallClock(url) {
  const match = /^udp:\/\/([^:/]+):(\d+)$/.exec(url);
  if (!match) fail("wcUrl")(new Error(url));
  const socket = dgram.createSocket("udp4");
  socket.on("listening", () => {
    Protocols.WallClock.createBinaryUdpClient(socket, wallClock, {
      dest: { address: match[1], port: Number(match[2]) },
      requestInterval: 200,
    });
  });
  socket.bind();
}

function startTimeline(url) {
  const ws = new WebSocket(url);
  ws.on("open", () => {
    Protocols.TimelineSynchronisation.createTSClient(ws, timeline, {
      contentIdStem: "",
      timelineSelector: selector,
      tickRate: Number(tickRate),
    });
  });
  ws.on("error", fail("TS"));
  ws.on("close", (code) => print({ event: "ts-closed", code }));
}

const cii = new WebSocket(ciiUrl);
cii.on("open", () => {
  const client = Protocols.CII.createCIIClient(cii, {});
  client.on("change", (state, changed) => {
    print({
      event: "cii",
      changed: Object.keys(changed).filter((name) => changed[name]),
      contentId: state.contentId,
      presentationStatus: state.presentationStatus,
    });
    if (state.wcUrl && state.wcUrl !== wcUrl) startWallClock((wcUrl = state.wcUrl));
    if (state.tsUrl && state.tsUrl !== tsUrl) startTimeline((tsUrl = state.tsUrl));
  });
});
cii.on("error", fail("CII"));
cii.on("close", (code) => {
  print({ event: "cii-closed", code });
  process.exit(0);
});

// Reads all clocks close together; null if the process was interrupted meanwhile each time.
function read() {
  for (let attempt = 0; attempt < 10; attempt++) {
    const before = process.hrtime.bigint();
    const wall = wallClock.now();
    const position = timeline.now();
    const after = process.hrtime.bigint();
    if (after - before < 200000n) return { monotonic: (before + after) / 2n, wall, position };
  }
  return null;
}

setInterval(() => {
  const now = read();
  if (!now) return;
  const { monotonic, wall, position } = now;
  print({
    event: "position",
    monotonic_ns: String(monotonic),
    wall_ns: wall,
    wall_bound_s: wallClock.dispersionAtTime(wall),
    wall_available: wallClock.isAvailable(),
    position,
    bound_s: timeline.dispersionAtTime(position),
    speed: timeline.speed,
    available: timeline.isAvailable(),
  });
}, Number(interval));
