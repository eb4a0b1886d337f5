/* Starts dvbcssd on free ports of loopback. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { DVBCSSD, WEB } from './environment.mjs';

const DEFAULTS = {
    'http.address': '127.0.0.1',
    'http.port': '0',
    'wallclock.address': '127.0.0.1',
    'wallclock.port': '0',
    'control.socket': '',
    'pages.enabled': 'true',
    'pages.folder': WEB,
};

function ended(child) {
    return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

/**
 * @param {object} [settings] keys of its configuration
 * @returns {Promise<{urls: object, log: string[], stop: () => Promise<number>}>} `urls` is its
 *     ready file
 */
export async function startDaemon(settings = {}) {
    const chosen = Object.entries({ ...DEFAULTS, ...settings });
    const options = chosen.flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const child = spawn(DVBCSSD, ['--ready-file', '-', ...options], {
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exit = ended(child);
    const log = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    const ready = new Promise((resolve) =>
        createInterface({ input: child.stdout }).once('line', resolve),
    );
    const line = await Promise.race([ready, exit]);
    if (typeof line !== 'string') throw new Error(`dvbcssd did not start: ${log.join('\n')}`);
    const stop = () => {
        child.kill('SIGTERM');
        return exit;
    };
    return { urls: JSON.parse(line), log, stop };
}
