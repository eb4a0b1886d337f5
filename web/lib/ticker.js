/** A worker that says every second that it is time. */
setInterval(() => postMessage(null), 1000);
