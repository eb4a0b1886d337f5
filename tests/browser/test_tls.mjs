/* TV and companion by https and wss, with a certificate that the browser is told to believe. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startDaemon } from './support/daemon.mjs';
import { ARTEFACTS, complaints, launch, until } from './support/environment.mjs';

const key = join(ARTEFACTS, 'tv.key');
const certificate = join(ARTEFACTS, 'tv.pem');
let daemon;
let browser;

function makeCertificate() {
    const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const what = ['-days', '30', '-subj', '/CN=tv', '-addext', names];
    execFileSync(
        'openssl',
        ['req', '-x509', ...kind, ...what, '-keyout', key, '-out', certificate],
        { stdio: 'pipe' },
    );
}

/* What Chromium calls the certificate's key. */
function pin() {
    const { publicKey } = new X509Certificate(readFileSync(certificate));
    const bytes = publicKey.export({ type: 'spki', format: 'der' });
    return createHash('sha256').update(bytes).digest('base64');
}

describe('pages by TLS', () => {
    before(async () => {
        makeCertificate();
        daemon = await startDaemon({
            'tls.enabled': 'true',
            'tls.address': '127.0.0.1',
            'tls.port': '0',
            'tls.certificate': certificate,
            'tls.key': key,
        });
        browser = await launch({ args: [`--ignore-certificate-errors-spki-list=${pin()}`] });
    });

    after(async () => {
        await browser?.close();
        assert.equal(await daemon?.stop(), 0);
    });

    it('are the TV and a companion in step, all by wss', async () => {
        const complained = [];
        const sockets = [];
        const open = async (path) => {
            const page = await browser.newPage();
            complained.push(complaints(page));
            page.on('websocket', (socket) => sockets.push(socket.url()));
            await page.goto(new URL(path, daemon.urls.https).href);
            return page;
        };
        const tv = await open('tv.html');
        const isTv = async () => (await tv.textContent('#link')) === 'is the television';
        await until(isTv, 'the TV page is the TV');
        const companion = await open('companion.html');
        const inStep = async () => (await companion.textContent('#state')) === 'In step';
        await until(inStep, 'the companion is in step');
        assert.equal(sockets.length, 4);
        for (const url of sockets) assert.match(url, /^wss:/);
        assert.deepEqual(complained.flat(), []);
    });
});
