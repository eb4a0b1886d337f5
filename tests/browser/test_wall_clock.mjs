/*
 * The page library's wall clock in a browser, against the daemon's: over loopback, and through
 * relays that delay as the network models of `dvbcss impair` do where those apply to a WebSocket.
 *
 * Through a relay the truth is a clock that has a connection of its own without one: it is known to
 * within its bound, which is checked against the daemon's clock itself.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startDaemon } from './support/daemon.mjs';
import { ARTEFACTS, argument, complaints, launch } from './support/environment.mjs';
import { startRelay } from './support/relay.mjs';
import { quantile, summary } from './support/statistics.mjs';
import { MODELS } from './unit/models.mjs';

const SECONDS = Number(argument('seconds', '20'));
/* Its route changes after an hour. */
const RELAYED = Object.keys(MODELS).filter((name) => name !== 'route-change');

let daemon;
let browser;
let page;
let complained;

/* Both clocks at the same instant, in ns: the daemon's, and the one that this program reads. */
function readClocks() {
    const program = `import time
readings = []
for _ in range(9):
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    raw = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    readings.append((after - before, raw - (before + after) // 2))
print(min(readings)[1])`;
    return BigInt(execFileSync('/usr/bin/python3', ['-c', program]).toString().trim());
}

/* Runs in the page: makes the clocks, and leaves them there. */
async function startClocks(urls) {
    const { WallClock } = await import(new URL('dvbcss.js', location.href));
    const clocks = Object.fromEntries(
        Object.entries(urls).map(([name, url]) => [name, new WallClock(url)]),
    );
    globalThis.clocksOfTest = clocks;
    for (const clock of Object.values(clocks)) clock.start();
    while (!Object.values(clocks).every((clock) => clock.available))
        await new Promise((done) => setTimeout(done, 10));
    return clocks.direct.precisionMs;
}

/* Runs in the page: how far each clock is off the direct one, and how far it may be, in ms. */
async function compare(seconds) {
    const { direct, ...relayed } = globalThis.clocksOfTest;
    const samples = Object.fromEntries(Object.keys(relayed).map((name) => [name, []]));
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
        await new Promise((done) => setTimeout(done, 50));
        const now = performance.now();
        for (const [name, clock] of Object.entries(relayed))
            samples[name].push({
                error: (clock.wallAt(now) - direct.wallAt(now)) / 1e6,
                bound: clock.boundAt(now) / 1e6,
                unsure: direct.boundAt(now) / 1e6,
            });
    }
    return samples;
}

describe("the page library's wall clock", () => {
    const relays = [];

    before(async () => {
        daemon = await startDaemon();
        browser = await launch();
        page = await browser.newPage();
        complained = complaints(page);
        await page.goto(daemon.urls.pages);
        const { port } = new URL(daemon.urls.cii);
        const urls = { direct: `ws://127.0.0.1:${port}/wc` };
        for (const [i, name] of RELAYED.entries()) {
            relays.push(await startRelay(MODELS[name], port, i + 1));
            urls[name] = `ws://127.0.0.1:${relays[i].port}/wc`;
        }
        await page.evaluate(startClocks, urls);
    });

    after(async () => {
        await browser?.close();
        for (const relay of relays) relay.stop();
        assert.equal(await daemon?.stop(), 0);
    });

    it("shows the daemon's to within its bound", async (t) => {
        const bounds = [];
        for (let i = 0; i < 20; i++) {
            const apart = readClocks();
            const earliest = process.hrtime.bigint() + apart;
            const { wallNs, boundNs } = await page.evaluate(() => {
                const { direct } = globalThis.clocksOfTest;
                return { wallNs: direct.now(), boundNs: direct.boundAt() };
            });
            const latest = process.hrtime.bigint() + apart;
            /* What the two clocks of the machine may have parted by meanwhile. */
            const slackNs = 20000;
            assert.ok(wallNs >= Number(earliest) - boundNs - slackNs, 'not too early');
            assert.ok(wallNs <= Number(latest) + boundNs + slackNs, 'not too late');
            bounds.push(boundNs / 1e6);
        }
        t.diagnostic(`over loopback, bound: median ${quantile(bounds, 0.5).toFixed(3)} ms`);
    });

    it('is the same in JSON', async () => {
        const apart = await page.evaluate(async () => {
            const { WallClock } = await import(new URL('dvbcss.js', location.href));
            const { direct } = globalThis.clocksOfTest;
            const json = new WallClock(direct.url, { format: 'json' });
            json.start();
            while (json.counts.exchanges < 8) await new Promise((done) => setTimeout(done, 10));
            const now = performance.now();
            json.stop();
            const error = Math.abs(json.wallAt(now) - direct.wallAt(now));
            return { error, bound: json.boundAt(now) + direct.boundAt(now), ignored: json.ignored };
        });
        assert.equal(apart.ignored, 0);
        assert.ok(apart.error <= apart.bound, JSON.stringify(apart));
    });

    it('is never off by more than its bound, whatever the network does', async (t) => {
        const samples = await page.evaluate(compare, SECONDS);
        const results = {};
        for (const [name, list] of Object.entries(samples)) {
            const outside = list.filter(
                ({ error, bound, unsure }) => Math.abs(error) > bound + unsure,
            );
            const { p50, p95, max } = summary(list.map(({ error }) => error));
            const bound = quantile(
                list.map((sample) => sample.bound),
                0.5,
            );
            results[name] = { p50, p95, max, bound, samples: list.length, outside: outside.length };
            const figures = [p50, p95, max, bound].map((ms) => ms.toFixed(2).padStart(7));
            t.diagnostic(
                `${name.padEnd(15)} p50${figures[0]}  p95${figures[1]}  max${figures[2]}  ` +
                    `bound${figures[3]} ms  outside ${outside.length} of ${list.length}`,
            );
        }
        writeFileSync(join(ARTEFACTS, 'wall-clock.json'), JSON.stringify(results, null, 2));
        for (const [name, { outside, samples: count }] of Object.entries(results)) {
            assert.ok(count > 10, `${name}: there is enough to tell`);
            assert.equal(outside, 0, name);
        }
    });

    it('complains of nothing', () => {
        assert.deepEqual(complained, []);
    });
});
