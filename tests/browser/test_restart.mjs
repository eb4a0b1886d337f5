/* A TV that goes away and comes back: its companions find it again by themselves. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { startDaemon } from './support/daemon.mjs';
import { launch, until } from './support/environment.mjs';

const SETTINGS = {
    'content.id': 'https://tv.example/film',
    'timeline.pts.selector': 'urn:dvb:css:timeline:pts',
};
let daemon;
let browser;
let page;

const state = () => page.textContent('#state');

describe('a companion page whose TV restarts', () => {
    before(async () => {
        daemon = await startDaemon(SETTINGS);
        browser = await launch();
        page = await browser.newPage();
        await page.goto(new URL('companion.html', daemon.urls.pages).href);
        await until(async () => (await state()) === 'In step', 'the companion is in step');
    });

    after(async () => {
        await browser?.close();
        assert.equal(await daemon?.stop(), 0);
    });

    it('says that there is none, and is in step again when it is back', async () => {
        const { port } = new URL(daemon.urls.pages);
        assert.equal(await daemon.stop(), 0);
        await until(async () => (await state()) === 'No television', 'it is missed');
        daemon = await startDaemon({ ...SETTINGS, 'http.port': port });
        await until(async () => (await state()) === 'In step', 'it is found again', 60000);
    });
});
