/* A TCP relay that delays what it passes on, as a network model says. */
import net from 'node:net';

import { path } from '../unit/models.mjs';
import { distributions, seeded } from '../unit/random.mjs';

/* Each timer writes what has waited longest: TCP keeps the order whatever timers do. */
function pass(from, to, arrival) {
    const waiting = [];
    from.on('data', (data) => {
        const now = performance.now();
        waiting.push(data);
        setTimeout(() => to.destroyed || to.write(waiting.shift()), arrival(now) - now);
    });
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
}

/**
 * @param {object} model of MODELS
 * @param {number} port where it leads to, on loopback
 * @param {number} seed
 * @returns {Promise<{port: number, stop: () => void}>}
 */
export function startRelay(model, port, seed) {
    const sockets = new Set();
    const server = net.createServer({ noDelay: true }, (client) => {
        const target = net.connect({ port, host: '127.0.0.1', noDelay: true });
        const d = distributions(seeded(seed));
        for (const socket of [client, target]) sockets.add(socket);
        pass(client, target, path(model, 'up', d));
        pass(target, client, path(model, 'down', d));
    });
    const stop = () => {
        server.close();
        for (const socket of sockets) socket.destroy();
    };
    return new Promise((resolve) =>
        server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port, stop })),
    );
}
