/*
 * Every page on a phone and on a desktop, light and dark: it works without complaints, without
 * asking anybody but its daemon, by keyboard alone, and axe-core finds nothing against it. Pictures
 * of all of them are in the artefacts, to be looked at.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startDaemon } from './support/daemon.mjs';
import { ARTEFACTS, AXE, complaints, launch, until } from './support/environment.mjs';

const TOKEN = 'correct-horse-battery-staple';
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

const shows = (selector, text) => (page) =>
    page.evaluate(
        ([id, wanted]) => document.querySelector(id).textContent === wanted,
        [selector, text],
    );

/* In this order: the TV page has to be there for the others to show something. */
const PAGES = [
    { name: 'tv', path: 'tv.html', ready: shows('#link', 'is the television') },
    { name: 'index', path: 'index.html', ready: () => true },
    { name: 'companion', path: 'companion.html', ready: shows('#state', 'In step') },
    {
        name: 'dashboard',
        path: `dashboard.html#token=${TOKEN}`,
        ready: (page) => page.evaluate(() => document.body.innerText.includes('ts-')),
    },
];

const axe = readFileSync(AXE, 'utf8');
let daemon;
let browser;

/* Runs in the page: what a keyboard has to reach. */
function controls() {
    const wanted = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    const seen = [...document.querySelectorAll(wanted)].filter(
        (node) => !node.matches(':disabled') && node.checkVisibility({ visibilityProperty: true }),
    );
    for (const [i, node] of seen.entries()) node.dataset.control = i;
    return seen.length;
}

/* What Tab does not lead to. */
async function missedByKeyboard(page) {
    const count = await page.evaluate(controls);
    const reached = new Set();
    await page.evaluate(() => document.activeElement.blur());
    for (let i = 0; i < 2 * count + 5; i++) {
        await page.keyboard.press('Tab');
        reached.add(await page.evaluate(() => document.activeElement?.dataset.control));
    }
    return page.evaluate(
        (known) => {
            const marked = [...document.querySelectorAll('[data-control]')];
            const missed = marked.filter((node) => !known.includes(node.dataset.control));
            return missed.map((node) => node.outerHTML);
        },
        [...reached],
    );
}

/* Requests that went anywhere but to the daemon. */
function strangers(page) {
    const home = new URL(daemon.urls.pages).host;
    const found = [];
    const note = (url) => {
        const { protocol, host } = new URL(url);
        if (!['blob:', 'data:'].includes(protocol) && host !== home) found.push(url);
    };
    page.on('request', (request) => note(request.url()));
    page.on('websocket', (socket) => note(socket.url()));
    return found;
}

async function violations(page) {
    await page.evaluate(axe);
    const { violations: found } = await page.evaluate(() => globalThis.axe.run());
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`);
}

async function examine(context, { name, path, ready }, size, colorScheme) {
    const page = await context.newPage();
    const complained = complaints(page);
    const asked = strangers(page);
    await page.goto(new URL(path, daemon.urls.pages).href);
    await until(() => ready(page), `${name} is ready`);
    /* A chart needs a while to have something to show. */
    if (name !== 'index') await page.waitForTimeout(2500);
    await page.screenshot({
        path: join(ARTEFACTS, `${name}-${size}-${colorScheme}.png`),
        fullPage: true,
    });
    assert.deepEqual(await violations(page), [], `${name}: axe-core`);
    const [width, room] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        window.innerWidth,
    ]);
    assert.ok(width <= room, `${name} is ${width} wide in ${room}`);
    /* Colours make no difference to the keyboard. */
    if (colorScheme === 'light')
        assert.deepEqual(await missedByKeyboard(page), [], `${name}: what Tab does not lead to`);
    return { name, complained, asked };
}

describe('every page', () => {
    before(async () => {
        daemon = await startDaemon({
            'pages.api': 'true',
            'control.token': TOKEN,
            'http.metrics': 'true',
        });
        browser = await launch();
    });

    after(async () => {
        await browser?.close();
        assert.equal(await daemon?.stop(), 0);
    });

    for (const [size, viewport] of Object.entries(SIZES))
        for (const colorScheme of ['light', 'dark'])
            it(`is fit to be used: ${size}, ${colorScheme}`, async (t) => {
                const context = await browser.newContext({ viewport, colorScheme });
                t.after(() => context.close());
                const examined = [];
                for (const page of PAGES)
                    examined.push(await examine(context, page, size, colorScheme));
                for (const { name, complained, asked } of examined) {
                    assert.deepEqual(complained, [], `${name} complained`);
                    assert.deepEqual(asked, [], `${name} asked others`);
                }
            });
});
