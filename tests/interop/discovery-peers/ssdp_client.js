// npm node-ssdp as a companion: searches for its argument and prints each answer as a JSON line.
"use strict";

const { Client } = require("node-ssdp");

const client = new Client();

client.on("response", (headers, statusCode, from) =>
  console.log(JSON.stringify({ headers, statusCode, from: from.address }))
);
client.search(process.argv[2]);
// Its sockets do not keep the process alive.
setInterval(() => client.search(process.argv[2]), 1000);
