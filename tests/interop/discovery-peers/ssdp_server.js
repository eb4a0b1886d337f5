// npm node-ssdp as a TV: answers searches for DIAL with the location that it is given.
"use strict";

const { Server } = require("node-ssdp");

const server = new Server({
  location: process.argv[2],
  udn: "uuid:f40c2981-7329-40b7-8b04-27f187aecfb5",
});

server.addUSN("urn:dial-multiscreen-org:service:dial:1");
server.start().then(() => console.log(JSON.stringify({ event: "ready" })));
