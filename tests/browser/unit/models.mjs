/*
 * The network models of `dvbcss impair` where they apply to a WebSocket: TCP delivers in order and
 * loses nothing, so that a loss is a delay until it is sent again, and what was sent later waits.
 * Models that are about reordered, forged or replayed datagrams have no counterpart.
 *
 * A model is {up, down, loss}: each a function of (distributions, time in ms) that draws a delay in
 * ms or the share of losses.
 */

/* What TCP waits before it sends again, at least. */
const RESEND_MS = 200;

const wifiQuiet = (d) => 1 + d.exponential(0.5) + (d.chance(0.01) ? d.exponential(10) : 0);

function wifiBusy(d, ms) {
    const busy = Math.floor(ms / 5000) % 2 === 0;
    const jitter = d.logNormal(3, 1) / (busy ? 1 : 3);
    return 1.5 + jitter + (d.chance(0.05) ? d.exponential(50) : 0);
}

/* Until the next beacon for 70 % of what comes. */
function wifiPowersave(d, ms) {
    const beacon = 102.4;
    const held = d.chance(0.7) ? beacon - (ms % beacon) : 0;
    return wifiQuiet(d) + held;
}

const share = (value) => () => value;

export const MODELS = {
    lan: {
        up: (d) => 0.1 + d.exponential(0.03) + (d.chance(0.001) ? d.uniform(0.5, 2) : 0),
        loss: share(0),
    },
    'wifi-quiet': { up: wifiQuiet, loss: share(0.005) },
    'wifi-busy': { up: wifiBusy, loss: share(0.03) },
    'wifi-powersave': { up: wifiPowersave, loss: share(0.01) },
    cellular: {
        up: (d) => 35 + d.exponential(10) + (d.chance(0.02) ? d.exponential(100) : 0),
        down: (d) => 25 + d.exponential(8) + (d.chance(0.02) ? d.exponential(100) : 0),
        loss: share(0.01),
    },
    asymmetric: {
        up: (d) => 1 + d.exponential(0.3),
        down: (d) => 6 + d.exponential(0.3),
        loss: share(0.005),
    },
    'bursty-loss': {
        up: wifiQuiet,
        loss: (d, ms) => (ms % 12000 < 10000 ? 0.005 : 0.6),
    },
    'route-change': {
        up: (d, ms) => (ms < 3.6e6 ? 2 : 8) + d.exponential(0.5),
        down: (d) => 2 + d.exponential(0.5),
        loss: share(0.005),
    },
};

/** One direction of a connection: each call tells when what is sent at a time (ms) arrives. */
export function path(model, direction, d) {
    const draw = model[direction] ?? model.up;
    let last = -Infinity;
    return (sentMs) => {
        let delay = draw(d, sentMs);
        for (let wait = RESEND_MS; d.chance(model.loss(d, sentMs)) && wait < 60000; wait *= 2)
            delay += wait;
        last = Math.max(last, sentMs + delay);
        return last;
    };
}
