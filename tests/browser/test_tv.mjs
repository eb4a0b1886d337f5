/*
 * The TV page is the television: what is done there is what the daemon presents, one page at a time,
 * and with the token where one is needed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startDaemon } from './support/daemon.mjs';
import { complaints, launch, until } from './support/environment.mjs';

const TOKEN = 'correct-horse-battery-staple';
const PAGE_TOKEN = 'wrong-battery-staple-horse';
const PTS = 'urn:dvb:css:timeline:pts';

let browser;

before(async () => {
    browser = await launch();
});

after(() => browser?.close());

/* A daemon, and the truth past its pages. */
async function start(settings = {}) {
    const daemon = await startDaemon({ 'pages.api': 'true', 'control.token': TOKEN, ...settings });
    const get = async (path) => {
        const answer = await fetch(new URL(`api/v1${path}`, daemon.urls.pages), {
            headers: { Authorization: `Bearer ${TOKEN}` },
        });
        return answer.json();
    };
    const pts = async () =>
        (await get('/timelines')).timelines.find(({ selector }) => selector === PTS);
    return { ...daemon, get, pts };
}

async function openTv(daemon, query = '') {
    const context = await browser.newContext();
    const page = await context.newPage();
    const complained = complaints(page);
    await page.goto(new URL(`tv.html${query}`, daemon.urls.pages).href);
    return { page, complained, close: () => context.close() };
}

function isSaid(page, text) {
    return until(async () => (await page.textContent('#link')) === text, text);
}

describe('the TV page', () => {
    let daemon;
    let tv;

    before(async () => {
        daemon = await start();
        tv = await openTv(daemon);
        await isSaid(tv.page, 'is the television');
        await until(daemon.pts, 'the timeline is there');
    });

    after(async () => {
        await tv?.close();
        assert.equal(await daemon?.stop(), 0);
    });

    it('takes the place of the demo programme and plays the pattern', async () => {
        const { content, page, programme } = await daemon.get('/status');
        assert.equal(content.contentId, 'urn:dvbcss:test-pattern');
        assert.equal(page.state, 'presented');
        assert.equal(programme.running, false);
        const { speed, available, tick_rate: rate } = await daemon.pts();
        assert.deepEqual([speed, available, rate], [1, true, '90000']);
    });

    it('has companions follow pause, seek and speed', async () => {
        await tv.page.click('#toggle');
        await until(async () => (await daemon.pts()).speed === 0, 'it is paused');
        const { position_ticks: before } = await daemon.pts();
        await tv.page.click('[data-step="10"]');
        await until(
            async () => (await daemon.pts()).position_ticks - before === 900000,
            'it is 10 s further',
        );
        await tv.page.selectOption('#speed', '1.5');
        await tv.page.click('#toggle');
        await until(async () => (await daemon.pts()).speed === 1.5, 'it is faster');
    });

    it('shows where companions know it to be', async () => {
        await tv.page.selectOption('#speed', '1');
        await until(async () => (await daemon.pts()).speed === 1, 'it runs at its normal speed');
        const { position_ticks: ticks, wall_clock_ns: atNs } = await daemon.pts();
        const { wall_clock: wall } = await daemon.get('/status');
        const shown = Number(await tv.page.inputValue('#seek'));
        const known = ticks / 90000 + (wall.now_ns - atNs) / 1e9;
        assert.ok(Math.abs(shown - known) < 2, `${shown} s is shown, companions know ${known} s`);
    });

    it('says what is presented, and how', async () => {
        await tv.page.fill('#content-id', 'https://tv.example/programme');
        await tv.page.click('#content-form button');
        await tv.page.selectOption('#presentation', 'transitioning');
        await until(async () => {
            const { contentId, presentationStatus } = await daemon.get('/content');
            return (
                contentId === 'https://tv.example/programme' &&
                presentationStatus === 'transitioning'
            );
        }, 'companions are told');
    });

    it('shows who is there', async () => {
        await tv.page.evaluate((url) => {
            globalThis.companion = new WebSocket(url);
            globalThis.companion.onopen = () =>
                globalThis.companion.send(
                    '{"contentIdStem": "", "timelineSelector": "urn:dvb:css:timeline:pts"}',
                );
        }, daemon.urls.ts);
        const row = '#companions tr:has(th:text("ts-1"))';
        await until(
            async () => (await tv.page.textContent(row).catch(() => '')).includes(PTS),
            'the companion is there',
        );
        await tv.page.evaluate(() => globalThis.companion.close());
        await until(async () => (await tv.page.$(row)) === null, 'it is gone');
    });

    it('is one at a time: another page waits until it has gone', async (t) => {
        const other = await openTv(daemon);
        t.after(other.close);
        await isSaid(other.page, 'another page is the television');
        assert.equal((await daemon.get('/content')).contentId, 'https://tv.example/programme');
        assert.deepEqual(tv.complained, []);
        await tv.close();
        await isSaid(other.page, 'is the television');
        await until(
            async () => (await daemon.get('/content')).contentId === 'urn:dvbcss:test-pattern',
            'the other page is the television',
        );
        assert.deepEqual(other.complained, []);
    });
});

describe('a TV page where a token is needed', () => {
    let daemon;

    before(async () => {
        daemon = await start({ 'page.trust_loopback': 'false', 'page.token': PAGE_TOKEN });
    });

    after(async () => assert.equal(await daemon?.stop(), 0));

    it('asks for it', async (t) => {
        const { page, close } = await openTv(daemon);
        t.after(close);
        await page.waitForSelector('#token-form:not([hidden])');
        await page.fill('#token', TOKEN);
        await page.click('#token-form button');
        await until(
            async () => (await page.textContent('#failed')).includes('token'),
            'it is the wrong one',
        );
        await page.waitForSelector('#token-form:not([hidden])');
        await page.fill('#token', PAGE_TOKEN);
        await page.click('#token-form button');
        await isSaid(page, 'is the television');
        assert.equal(await page.isVisible('#token-form'), false);
    });
});
