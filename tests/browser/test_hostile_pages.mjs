/*
 * Pages that mean ill, in a real browser: of another origin, and of a name that resolves to the TV
 * (DNS rebinding). They must not become the TV, nor use the API, nor launch anything, and the page
 * that is the TV must not notice.
 */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';

import { startDaemon } from './support/daemon.mjs';
import { ARTEFACTS, launch, until } from './support/environment.mjs';

const TOKEN = 'correct-horse-battery-staple';
const REBOUND = 'tv.evil.example';
const launched = join(ARTEFACTS, 'launched-by-a-page');

let daemon;
let browser;
let tv;
let foreign;

/* A web server of somebody else. */
function startForeignServer() {
    const server = createServer((request, response) => {
        response.setHeader('Content-Type', 'text/html');
        response.end('<!doctype html><title>Win a prize</title>');
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/* Runs in a page: what comes of a WebSocket that is opened there. */
function openSocket(url) {
    return new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.addEventListener('open', () => resolve('open'));
        socket.addEventListener('error', () => resolve('refused'));
    });
}

/* Runs in a page: what a request comes to; the page may not be allowed to know. */
async function request([url, options]) {
    try {
        const response = await fetch(url, options);
        return response.type === 'opaque' ? 'opaque' : response.status;
    } catch {
        return 'refused';
    }
}

function metric(text, pattern) {
    const lines = text.split('\n').filter((line) => pattern.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
}

async function refusals() {
    const text = await (await fetch(new URL('/metrics', daemon.urls.pages))).text();
    return metric(text, /^dvbcss_\w*refus\w*\{?.*/);
}

const bearer = { Authorization: `Bearer ${TOKEN}` };

function api(path) {
    return new URL(`/api/v1${path}`, daemon.urls.pages).href;
}

function application() {
    return daemon.urls.dial.replace('/dd.xml', '/dial/apps/HbbTV');
}

/* The status of each answer that the browser got, whether the page may know it or not. */
function answers(page, url) {
    const statuses = [];
    page.on('response', (response) => response.url() === url && statuses.push(response.status()));
    return statuses;
}

const ATTACKERS = [
    ['of another origin', () => `http://127.0.0.1:${foreign.address().port}/`],
    ['that rebound its name', () => daemon.urls.pages.replace('127.0.0.1', REBOUND)],
];

describe('a hostile page', () => {
    before(async () => {
        rmSync(launched, { force: true });
        foreign = await startForeignServer();
        daemon = await startDaemon({
            'pages.api': 'true',
            'control.token': TOKEN,
            'http.metrics': 'true',
            'discovery.enabled': 'true',
            'discovery.interfaces': 'none',
            'discovery.launch_command': `/usr/bin/touch ${launched}`,
        });
        browser = await launch({ args: [`--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`] });
        tv = await browser.newPage();
        await tv.goto(new URL('tv.html', daemon.urls.pages).href);
        const isTv = () => tv.evaluate(() => document.getElementById('link').textContent);
        await until(async () => (await isTv()) === 'is the television', 'the TV page is the TV');
    });

    after(async () => {
        await browser?.close();
        foreign?.close();
        assert.equal(await daemon?.stop(), 0);
        rmSync(launched, { force: true });
    });

    for (const [what, address] of ATTACKERS)
        describe(what, () => {
            let page;
            let refusedBefore;

            beforeEach(async () => {
                refusedBefore = await refusals();
                page = await browser.newPage();
                await page.goto(address());
            });

            it('cannot become the TV, and is counted', async () => {
                const url = daemon.urls.page.replace('127.0.0.1', new URL(page.url()).hostname);
                assert.equal(await page.evaluate(openSocket, url), 'refused');
                assert.ok((await refusals()) > refusedBefore);
                assert.equal(await page.evaluate(openSocket, daemon.urls.page), 'refused');
                assert.equal(await tv.textContent('#link'), 'is the television');
            });

            it('cannot use the API, even if it knows the token', async () => {
                const own = api('/content').replace('127.0.0.1', new URL(page.url()).hostname);
                const body = JSON.stringify({ contentId: 'dvb://evil' });
                const headers = { ...bearer, 'Content-Type': 'application/json' };
                for (const url of [own, api('/content')]) {
                    const patch = { method: 'PATCH', headers, body };
                    const got = await page.evaluate(request, [url, patch]);
                    assert.ok(got === 'refused' || got >= 400, `${got}`);
                    const simple = { method: 'POST', mode: 'no-cors', body };
                    const blind = await page.evaluate(request, [url, simple]);
                    assert.ok(
                        blind === 'opaque' || blind === 'refused' || blind >= 400,
                        `${blind}`,
                    );
                }
                const content = await (await fetch(api('/content'), { headers: bearer })).json();
                assert.doesNotMatch(JSON.stringify(content), /evil/);
            });

            it('cannot launch an application', async () => {
                const own = application().replace('127.0.0.1', new URL(page.url()).hostname);
                const statuses = answers(page, own);
                for (const url of [own, application()]) {
                    const post = { method: 'POST', mode: 'no-cors', body: 'x' };
                    await page.evaluate(request, [url, post]);
                }
                await until(() => statuses.length > 0, 'the answer');
                assert.ok(statuses[0] >= 400, `${statuses[0]}`);
                assert.equal(existsSync(launched), false);
            });
        });

    it('is what was refused: a companion that is no page may launch', async () => {
        const response = await fetch(application(), { method: 'POST', body: 'x' });
        assert.equal(response.status, 201);
        await until(() => existsSync(launched), 'the command has run');
    });
});
