// A small TV: DIAL, CSS-CII, CSS-WC and CSS-TS on one address, with faults to choose from.
//
//   node toy_tv.js ADDRESS [FAULT]...
//
// Prints one JSON line with its URLs when it serves.
"use strict";

const dgram = require("dgram");
const http = require("http");
const { WebSocketServer } = require("ws");

const address = process.argv[2];
const faults = new Set(process.argv.slice(3));

// Whether a fault was chosen.
function has(fault) {
  return faults.has(fault);
}

// The time that CSS-WC serves, in nanoseconds.
const started = process.hrtime.bigint();
function wallNs() {
  let elapsed = process.hrtime.bigint() - started;
  if (has("wc-drifts")) elapsed += elapsed / 50n;
  if (has("wc-jumps") && (elapsed / 300000000n) % 2n === 1n) elapsed += 500000000n;
  return 1000000000n + elapsed;
}

// ---- where the services are said to be ---------------------------------------------------------

const ports = {};

function host(service) {
  if (has(`${service}-host-0.0.0.0`)) return "0.0.0.0";
  if (has(`${service}-host-localhost`)) return "localhost";
  if (has(`${service}-host-empty`)) return "";
  if (has(`${service}-host-other`)) return "192.0.2.99";
  return address;
}

function wsUrl(service, path) {
  const port = has(`${service}-gone`) ? 1 : ports.http;
  const scheme = has(`${service}-scheme`) ? "http" : "ws";
  const slash = has(`${service}-trailing-slash`) ? "/" : "";
  return `${scheme}://${host(service)}:${port}${path}${slash}`;
}

function wcUrl() {
  const scheme = has("wc-scheme") ? "ws" : "udp";
  const port = has("wc-no-port") ? "" : `:${ports.wc}`;
  return `${scheme}://${host("wc")}${port}${has("wc-trailing-slash") ? "/" : ""}`;
}

// ---- DIAL --------------------------------------------------------------------------------------

function description() {
  const name = has("no-name") ? "" : "<friendlyName>Toy TV</friendlyName>";
  return `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:tvdevice:1</deviceType>${name}
<manufacturer>Toys</manufacturer><modelName>T1</modelName><UDN>uuid:1</UDN></device></root>`;
}

function application() {
  if (has("application-broken")) return "<service><name>HbbTV</service>";
  const declared = has("no-namespace") ? "" : ' xmlns:h="urn:hbbtv:HbbTVCompanionScreen:2014"';
  const agent = has("short-user-agent")
    ? "HbbTV/1.5.1 (toy)"
    : "HbbTV/1.5.1 (+DRM; toys; t1; 1; 1; toy; )";
  const app2app = has("no-app2app")
    ? ""
    : `<h:X_HbbTV_App2AppURL>ws://${address}:${ports.http}/app2app/</h:X_HbbTV_App2AppURL>`;
  return `<?xml version="1.0"?><service xmlns="urn:dial-multiscreen-org:schemas:dial"${declared} dialVer="1.7">
<name>HbbTV</name><options allowStop="false"/><state>running</state><additionalData>${app2app}
<h:X_HbbTV_InterDevSyncURL>${wsUrl("cii", "/cii")}</h:X_HbbTV_InterDevSyncURL>
<h:X_HbbTV_UserAgent>${agent}</h:X_HbbTV_UserAgent></additionalData></service>`;
}

function onRequest(request, response) {
  if (request.url === "/dd.xml" && !has("description-404")) {
    response.setHeader("Content-Type", has("content-type") ? "text/plain" : "text/xml");
    if (!has("no-application-url"))
      response.setHeader("Application-URL", `http://${address}:${ports.http}/apps`);
    response.end(description());
  } else if (request.url === "/apps/HbbTV" && !has("application-404")) {
    response.setHeader("Content-Type", "text/xml");
    response.end(application());
  } else {
    response.statusCode = 404;
    response.end("nothing here\n");
  }
}

// ---- CSS-CII -----------------------------------------------------------------------------------

const PTS = "urn:dvb:css:timeline:pts";

function cii() {
  const message = {
    protocolVersion: has("version-2") ? "2.0" : "1.1",
    mrsUrl: null,
    contentId: "dvb://233a.1004.1044",
    contentIdStatus: has("content-status-value") ? "complete" : "final",
    presentationStatus: has("status-array") ? ["okay"] : "okay",
    wcUrl: wcUrl(),
    tsUrl: wsUrl("ts", "/ts"),
    teUrl: null,
    timelines: [
      {
        timelineSelector: PTS,
        timelineProperties: { unitsPerTick: 1, unitsPerSecond: 90000 },
      },
    ],
  };
  if (has("version-missing")) delete message.protocolVersion;
  if (has("null-missing")) delete message.mrsUrl;
  if (has("content-id-number")) message.contentId = 7;
  if (has("no-content")) message.contentId = null;
  if (has("status-missing")) delete message.presentationStatus;
  if (has("status-value")) message.presentationStatus = "playing";
  if (has("wc-missing")) message.wcUrl = null;
  if (has("ts-missing")) delete message.tsUrl;
  if (has("timelines-missing")) delete message.timelines;
  if (has("timelines-null")) message.timelines = null;
  if (has("timelines-empty")) message.timelines = [];
  if (has("timeline-rate-string"))
    message.timelines[0].timelineProperties.unitsPerSecond = "90000";
  if (has("timelines-flat"))
    message.timelines = [{ timelineSelector: PTS, unitsPerTick: 1, unitsPerSecond: 90000 }];
  return has("cii-not-json") ? "no JSON" : JSON.stringify(message);
}

function onCii(socket) {
  if (has("cii-silent")) return;
  if (has("cii-closes")) socket.close(1011, "no content");
  else if (has("cii-pairing")) socket.send("pairingcompleted", () => socket.send(cii()));
  else socket.send(cii());
  if (has("cii-partial")) socket.send(JSON.stringify({ presentationStatus: "okay" }));
}

// ---- CSS-TS ------------------------------------------------------------------------------------

const content = 900000n;

function controlTimestamp(sent) {
  const elapsed = wallNs();
  let ticks = content + (elapsed * 9n) / 100000n;
  let wall = elapsed;
  if (has("ts-other-clock")) wall = BigInt(Date.now()) * 1000000n;
  if (has("ts-same-wall-clock")) wall = 1000000000n;
  if (has("ts-jumps") && sent % 2 === 1) ticks += 900000n;
  const times = { contentTime: `${ticks}`, wallClockTime: `${wall}` };
  if (has("ts-leading-zeros")) times.contentTime = `00${ticks}`;
  if (has("ts-number-times")) {
    times.contentTime = Number(ticks);
    times.wallClockTime = Number(wall);
  }
  if (has("ts-exponent")) times.contentTime = `${Number(ticks) / 1e6}e6`;
  if (has("ts-missing-member")) delete times.wallClockTime;
  if (has("ts-unavailable"))
    return { contentTime: null, wallClockTime: `${wall}`, timelineSpeedMultiplier: null };
  return { ...times, timelineSpeedMultiplier: has("ts-speed-string") ? "1.0" : 1.0 };
}

function onTs(socket) {
  let sent = 0;
  const send = () => socket.send(JSON.stringify(controlTimestamp(sent++)));
  socket.on("message", () => {
    if (has("ts-silent")) return;
    send();
    if (has("ts-closes")) socket.close(1000);
    if (has("ts-once")) return;
    const timer = setInterval(send, 300);
    socket.on("close", () => clearInterval(timer));
  });
}

// ---- the handshake -----------------------------------------------------------------------------

const endpoints = {
  "/cii": ["cii", new WebSocketServer({ noServer: true }), onCii],
  "/ts": ["ts", new WebSocketServer({ noServer: true }), onTs],
};

function refusal(service) {
  for (const status of [403, 404, 426, 500, 503]) {
    if (has(`${service}-${status}`)) return status;
  }
  return 0;
}

function onUpgrade(request, socket, head) {
  const path = request.url.replace(/\/$/, "");
  if (!endpoints[path]) {
    socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  const [service, server, accept] = endpoints[path];
  const status = refusal(service);
  if (has(`${service}-hangs`)) return;
  if (has(`${service}-garbage`)) socket.end("220 mail.example ESMTP\r\n");
  else if (status)
    socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Length: 0\r\n\r\n`);
  else server.handleUpgrade(request, socket, head, accept);
}

// ---- CSS-WC ------------------------------------------------------------------------------------

const REQUEST = 0, RESPONSE = 1, PROMISE = 2, FOLLOW_UP = 3;

function putTime(message, at, ns) {
  message.writeUInt32BE(Number(ns / 1000000000n), at);
  message.writeUInt32BE(Number(ns % 1000000000n), at + 4);
}

function onClockRequest(clock, request, from) {
  if (has("wc-dead") || request.length !== 32 || request[1] !== REQUEST) return;
  if (has("wc-lossy") && Math.random() < 0.6) return;
  const answer = Buffer.from(request);
  answer.writeInt8(has("wc-precision") ? -4 : -20, 2);
  answer.writeUInt32BE(has("wc-frequency") ? 0 : 50 * 256, 4);
  answer[1] = has("wc-follow-ups") ? PROMISE : RESPONSE;
  putTime(answer, 16, wallNs());
  putTime(answer, 24, wallNs());
  const send = () => clock.send(answer, from.port, from.address);
  if (has("wc-slow")) setTimeout(send, 120);
  else send();
  if (has("wc-follow-ups")) {
    const followUp = Buffer.from(answer);
    followUp[1] = FOLLOW_UP;
    clock.send(followUp, from.port, from.address);
  }
}

// ---- start -------------------------------------------------------------------------------------

const clock = dgram.createSocket("udp4");
const server = http.createServer(onRequest);

clock.on("message", (request, from) => onClockRequest(clock, request, from));
server.on("upgrade", onUpgrade);
clock.bind(0, address, () => {
  ports.wc = clock.address().port;
  server.listen(0, address, () => {
    ports.http = server.address().port;
    const base = `${address}:${ports.http}`;
    console.log(JSON.stringify({ dial: `http://${base}/dd.xml`, cii: `ws://${base}/cii` }));
  });
});
process.on("SIGTERM", () => process.exit(0));
