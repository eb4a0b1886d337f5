/*
 * Every control of the dashboard does what it says, and says what happened.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startDaemon } from './support/daemon.mjs';
import { complaints, launch, until } from './support/environment.mjs';

const TOKEN = 'correct-horse-battery-staple';
const PTS = 'urn:dvb:css:timeline:pts';

let daemon;
let browser;
let page;
let complained;

/* The truth, past the page. */
async function api(path) {
    const answer = await fetch(new URL(`api/v1${path}`, daemon.urls.pages), {
        headers: { Authorization: `Bearer ${TOKEN}` },
    });
    return answer.json();
}

function said(text) {
    return until(async () => (await page.textContent('#said')) === text, `the page says "${text}"`);
}

function refused(text) {
    return until(
        async () => (await page.textContent('#failed')).includes(text),
        `the page says that "${text}"`,
    );
}

async function timelineNamed(name) {
    return (await api('/timelines')).timelines.find((timeline) => timeline.name === name);
}

describe('the dashboard', () => {
    before(async () => {
        daemon = await startDaemon({
            'pages.api': 'true',
            'control.token': TOKEN,
            'content.id': 'dvb://1.2.3',
            'timeline.pts.selector': PTS,
        });
        browser = await launch();
        page = await browser.newPage();
        complained = complaints(page);
        await page.goto(new URL('dashboard.html', daemon.urls.pages).href);
    });

    after(async () => {
        await browser?.close();
        assert.equal(await daemon?.stop(), 0);
    });

    it('asks for the token, and for another one when it is wrong', async () => {
        await page.fill('#token', 'wrong-wrong-wrong-wrong');
        await page.click('#sign-in button');
        await refused('The token is not the right one.');
        /* The browser complains of the 401 by itself. */
        complained.length = 0;
        await page.fill('#token', TOKEN);
        await page.click('#sign-in button');
        await page.waitForSelector('#board:not([hidden])');
        assert.equal(await page.isVisible('#sign-in'), false);
    });

    it('takes the token out of the address that brought it', async (t) => {
        const context = await browser.newContext();
        t.after(() => context.close());
        const other = await context.newPage();
        await other.goto(new URL(`dashboard.html#token=${TOKEN}`, daemon.urls.pages).href);
        await other.waitForSelector('#board:not([hidden])');
        assert.equal(other.url(), new URL('dashboard.html', daemon.urls.pages).href);
    });

    it('pauses, plays and seeks all timelines', async () => {
        await page.click('#media-toggle');
        await said('Paused.');
        assert.equal((await api('/media')).speed, 0);
        const before = await timelineNamed('pts');
        await page.click('[data-seek="10"]');
        await said('Moved.');
        const moved = await timelineNamed('pts');
        assert.equal(moved.position_ticks - before.position_ticks, 900000);
        await until(async () => (await page.textContent('#media-toggle')) === 'Play', 'it shows');
        await page.click('#media-toggle');
        await said('Playing.');
        assert.equal((await api('/media')).speed, 1);
    });

    it('plans a change, and cancels it', async () => {
        await page.click('text=Speed, seek, and later');
        await page.fill('#media-speed', '2');
        await page.fill('#media-in', '3000');
        await page.click('#media-form button');
        await said('Planned.');
        assert.equal((await api('/scheduled')).scheduled.length, 1);
        await page.click('#scheduled button');
        await said('Cancelled.');
        assert.equal((await api('/scheduled')).scheduled.length, 0);
    });

    it('adds, changes and removes a timeline', async () => {
        await page.click('text=Add a timeline');
        await page.fill('#timeline-name', 'extra');
        await page.fill('#timeline-selector', 'urn:dvb:css:timeline:temi:1:2');
        await page.fill('#timeline-rate', '1000');
        await page.click('#timeline-form button');
        await said('The timeline is added.');
        await page.click('[aria-label="Pause timeline extra"]');
        await said('extra is paused.');
        await page.click('[aria-label="Change timeline extra"]');
        await page.fill('#change-position', '5000');
        await page.selectOption('#change-available', 'false');
        await page.click('#change-form button[value=change]');
        await said('extra is changed.');
        const extra = await timelineNamed('extra');
        assert.deepEqual([extra.position_ticks, extra.speed, extra.available], [5000, 0, false]);
        await page.click('[aria-label="Change timeline extra"]');
        await page.click('#change-form button[value=remove]');
        await said('extra is removed.');
        assert.equal(await timelineNamed('extra'), undefined);
    });

    it('says why the daemon refuses', async () => {
        await page.fill('#timeline-name', 'pts');
        await page.fill('#timeline-selector', PTS);
        await page.click('#timeline-form button');
        await refused('already');
        /* The browser complains of the 409 by itself. */
        complained.length = 0;
    });

    it('changes what CII says, and what companions are told in its place', async () => {
        await page.selectOption('#content-name', 'presentationStatus');
        await page.fill('#content-value', 'fault');
        await page.click('#content-form button');
        await said('presentationStatus is changed.');
        assert.equal((await api('/content')).presentationStatus, 'fault');
        await page.fill('#delay', '12.5');
        await page.click('#delay-form button');
        await said('Companions are told.');
        assert.equal((await api('/adjustments')).delay_ms, 12.5);
        await page.fill('#override', 'urn:other');
        await page.click('#override-form button');
        await until(
            async () => (await api('/adjustments')).content_id_override === 'urn:other',
            'it is told',
        );
    });

    it('shows companions, and sends one away', async () => {
        const closed = page.evaluate(
            (url) =>
                new Promise((resolve) => {
                    const companion = new WebSocket(url);
                    companion.onclose = ({ code, reason }) => resolve({ code, reason });
                }),
            daemon.urls.cii,
        );
        await page.click('[aria-label="Close cii-1"]');
        await page.fill('#close-code', '4000');
        await page.fill('#close-reason', 'later');
        await page.click('#close-form button[value=close]');
        assert.deepEqual(await closed, { code: 4000, reason: 'later' });
        await said('cii-1 is closed.');
    });

    it('closes an endpoint and limits it', async () => {
        await page.click('[aria-label="Disable TS"]');
        await said('TS is disabled.');
        await page.fill('[aria-label="TS: connections at most"]', '7');
        await page.click('[aria-label="Set limit of TS"]');
        await said('The limit of TS is set.');
        const { enabled, max_connections: limit } = await api('/endpoints/ts');
        assert.deepEqual([enabled, limit], [false, 7]);
    });

    it('reloads, and shows metrics and the description as text', async () => {
        await page.click('#reload');
        await said('Nothing has changed.');
        await page.click('#show-metrics');
        await until(
            async () => (await page.textContent('#text')).includes('dvbcss_uptime_seconds'),
            'the metrics',
        );
        await page.click('#show-openapi');
        await until(
            async () => (await page.textContent('#text')).includes('"openapi"'),
            'the description',
        );
    });

    it('leaves control to the demo programme while that runs', async () => {
        await page.click('#programme');
        await said('The demo programme runs.');
        assert.equal((await api('/programme')).running, true);
        await until(() => page.isDisabled('#media-toggle'), 'controls are off');
        await page.click('#programme');
        await said('The demo programme is stopped.');
        await until(() => page.isEnabled('#media-toggle'), 'controls are on');
    });

    it('forgets the token, and had nothing to complain of', async () => {
        await page.click('#sign-out');
        await page.waitForSelector('#sign-in:not([hidden])');
        assert.equal(await page.isVisible('#board'), false);
        await page.reload();
        await page.waitForSelector('#sign-in:not([hidden])');
        assert.deepEqual(complained, []);
    });
});
