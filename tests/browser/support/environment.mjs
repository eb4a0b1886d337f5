/* Where things are, as ctest tells it, and what is common to all browser tests. */
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

function needed(name) {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set: run this by ctest -L browser`);
    return value;
}

export const DVBCSSD = needed('DVBCSSD');
export const WEB = fileURLToPath(new URL('../../../web', import.meta.url));

/** Whether figures have to be those that are asked for on a quiet machine. */
export const STRICT = process.env.BROWSER_TESTS_STRICT === '1';

/** Pictures and figures to look at. */
export const ARTEFACTS = join(needed('BUILD_DIR'), 'browser-artefacts');
mkdirSync(ARTEFACTS, { recursive: true });

/* What the lockfile names is installed outside of the sources. */
const require = createRequire(join(needed('INTEROP_DIR'), 'browser', 'package.json'));

export const { chromium } = require('playwright-core');
export const AXE = require.resolve('axe-core/axe.min.js');

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/* ctest takes this for "skipped". */
if (!existsSync(CHROMIUM)) {
    console.log(`SKIPPED: there is no ${CHROMIUM}: install Debian's package chromium`);
    process.exit(77);
}

/** Starts Chromium. The sandbox needs privileges that containers do not give. */
export function launch(options = {}) {
    const args = ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'];
    return chromium.launch({
        executablePath: CHROMIUM,
        ...options,
        args: [...args, ...(options.args ?? [])],
    });
}

/** The value of `--name value` on the command line. */
export function argument(name, fallback) {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : process.argv[at + 1];
}

/** Resolves when condition() is true. It looks again and again: a page cannot tell by itself. */
export async function until(condition, what, deadlineMs = 30000) {
    const end = Date.now() + deadlineMs;
    while (!(await condition())) {
        if (Date.now() > end) throw new Error(`not within ${deadlineMs / 1000} s: ${what}`);
        await new Promise((done) => setTimeout(done, 100));
    }
}

/** Everything that a page complains about, as texts. */
export function complaints(page) {
    const found = [];
    page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) found.push(message.text());
    });
    page.on('pageerror', (error) => found.push(String(error)));
    return found;
}
