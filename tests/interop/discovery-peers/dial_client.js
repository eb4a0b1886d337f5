// npm peer-dial as a companion: finds DIAL devices, reads the application HbbTV and, if a second
// argument is given, launches it with that. Prints JSON lines.
"use strict";

const dial = require("peer-dial");

const launchData = process.argv[2];
const client = new dial.Client();

function say(event, rest) {
  console.log(JSON.stringify({ event, ...rest }));
}

function onApplication(device, info, error) {
  say("application", { info, error: error && String(error) });
  if (!launchData) return;
  device.launchApp("HbbTV", launchData, "text/plain", (result, why) =>
    say("launched", { result, error: why && String(why) })
  );
}

client
  .on("found", (location, headers) => {
    say("found", { location, headers });
    client.getDialDevice(location, (device, error) => {
      if (!device) {
        say("failed", { error: String(error) });
        return;
      }
      const { friendlyName, manufacturer, modelName, applicationUrl } = device;
      say("device", { friendlyName, manufacturer, modelName, applicationUrl });
      device.getAppInfo("HbbTV", (info, why) => onApplication(device, info, why));
    });
  })
  .on("disappear", (location) => say("disappeared", { location }))
  .on("ready", () => say("ready"))
  .start();
