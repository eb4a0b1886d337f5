/* The page of docs/web-library.md, as it stands there. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startDaemon } from './support/daemon.mjs';
import { ARTEFACTS, complaints, launch, until, WEB } from './support/environment.mjs';
import { makeVideo } from './support/video.mjs';

const DOCUMENT = new URL('../../docs/web-library.md', import.meta.url);
const site = join(ARTEFACTS, 'site');
const media = join(ARTEFACTS, 'film');
let daemon;
let browser;

/* Writes each file that the document names before its text: `NAME`: and a fenced block. */
function writeFiles() {
    const text = readFileSync(DOCUMENT, 'utf8');
    const blocks = [...text.matchAll(/^`([\w.-]+)`:\n\n```\w+\n([^]*?)^```$/gm)];
    for (const [, name, content] of blocks) writeFileSync(join(site, name), content);
    return blocks.map(([, name]) => name);
}

describe('the example of the web library', () => {
    before(async () => {
        for (const folder of [site, media]) mkdirSync(folder, { recursive: true });
        copyFileSync(join(WEB, 'dvbcss.js'), join(site, 'dvbcss.js'));
        assert.deepEqual(writeFiles(), ['my-companion.html', 'my-companion.js']);
        daemon = await startDaemon({
            'pages.folder': site,
            'pages.media': media,
            'content.id': 'https://tv.example/film',
            'timeline.pts.selector': 'urn:dvb:css:timeline:pts',
        });
        browser = await launch();
        const maker = await browser.newPage();
        await maker.goto(new URL('dvbcss.js', daemon.urls.pages).href);
        await makeVideo(maker, join(media, 'film.webm'), 600);
        await maker.close();
    });

    after(async () => {
        await browser?.close();
        assert.equal(await daemon?.stop(), 0);
    });

    it('plays in step with the television', async () => {
        const page = await browser.newPage();
        const complained = complaints(page);
        await page.goto(new URL('my-companion.html', daemon.urls.pages).href);
        const state = () => page.textContent('#state');
        await until(async () => /^-?\d+ ms off/.test(await state()), 'it is followed');
        await until(async () => Math.abs(parseInt(await state(), 10)) < 100, 'it is in step');
        const playing = await page.evaluate(() => !document.querySelector('video').paused);
        assert.equal(playing, true);
        assert.deepEqual(complained, []);
    });
});
