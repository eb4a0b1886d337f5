/**
 * The companion page: plays the companion's rendering of the programme in step with the TV, and
 * shows how well. All that keeps it in step is in dvbcss.js.
 *
 * `?tv=ws://host:port/cii` names the TV; without it, the daemon that serves this page is the TV.
 * `?wc=ws://host:port/path` names its wall clock if that is not served beside CSS-CII at /wc.
 */
import { LineChart } from './charts.js';
import { Synchroniser } from './dvbcss.js';
import { byId, element, setFacts, setState, setText } from './lib/dom.js';
import { clockText, differenceText, numberText, speedText } from './lib/format.js';
import { Beeper, drawPattern } from './lib/pattern.js';
import { warn } from './lib/say.js';

const OFFSET_KEY = 'dvbcss-companion-offset-ms';
const SHOW_MS = 250;
const REPORT_MS = 2000;
/* More is no matter of a chart that shows milliseconds: it is on its way to being in step. */
const CHARTED_S = 0.2;
const FRAME_MS = 1000 / 60;

const video = byId('video');
const canvas = byId('pattern');
const source = byId('source');
const chart = new LineChart(byId('chart'), {
    title: 'The last two minutes',
    unit: 'ms',
    series: ['Off by', 'Within'],
    ceiling: 10,
});

/** What the daemon says about itself; {} if something else serves this page. */
async function readSite() {
    try {
        const response = await fetch('pages.json');
        return response.ok ? await response.json() : {};
    } catch {
        return {};
    }
}

async function readMedia(site) {
    if (!site.media) return [];
    const response = await fetch(site.media);
    const { media } = response.ok ? await response.json() : { media: [] };
    return media.map(({ name, type }) => ({
        name,
        type,
        url: new URL(site.media + encodeURIComponent(name), location.href).href,
    }));
}

/** What the page's address says, or undefined. */
function addressed(name) {
    return new URLSearchParams(location.search).get(name) ?? undefined;
}

/** The URL of a WebSocket of the daemon that serves this page. */
function socketUrl(path) {
    const url = new URL(path, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url.href;
}

class Companion {
    #synchroniser;
    #media;
    #blob = null;
    #playing = null;
    #offsetS = 0;
    #sound = false;
    #beeper = new Beeper(() => this.#beepingLine());

    constructor(media) {
        this.#media = media;
        source.append(...media.map(({ name }) => element('option', { value: name }, name)));
    }

    /**
     * Follows a TV, and no longer the one before.
     *
     * @param {string} ciiUrl
     * @param {string} [wcUrl] if it is not where it is looked for
     * @throws {TypeError} if they are no URLs; then nothing has changed
     */
    connect(ciiUrl, wcUrl) {
        const next = new Synchroniser(ciiUrl, { wcUrl });
        this.#synchroniser?.stop();
        this.#synchroniser = next;
        next.addEventListener('content', () => this.choose());
        next.addEventListener('timeline', () => this.#beeper.replan());
        next.addEventListener('blocked', () => {
            byId('gesture').hidden = false;
        });
        this.#rendering();
        next.start();
    }

    set offsetS(offsetS) {
        this.#offsetS = offsetS;
        const { media } = this.#synchroniser;
        if (media) media.calibrationS = offsetS;
    }

    get sound() {
        return this.#sound;
    }

    /** Whether the programme is heard; needs a gesture of the user. */
    set sound(on) {
        this.#sound = on;
        video.muted = !on;
        if (on && !this.#playing) this.#beeper.start();
        else this.#beeper.stop();
    }

    /** Where this page is to be at a local time. */
    positionAt(localMs) {
        const { positionS, speed, ...rest } = this.#synchroniser.positionAt(localMs);
        return { ...rest, speed, positionS: positionS + this.#offsetS * speed };
    }

    status() {
        return this.#synchroniser.status();
    }

    resume() {
        byId('gesture').hidden = true;
        this.#synchroniser.media?.resume();
    }

    /** Plays a file of the user's own. */
    open(file) {
        if (this.#blob) URL.revokeObjectURL(this.#blob.url);
        this.#blob = { name: file.name, type: file.type, url: URL.createObjectURL(file) };
        byId('own')?.remove();
        source.append(element('option', { id: 'own', value: 'own' }, file.name));
        source.value = 'own';
        this.choose();
    }

    /** Plays what is chosen, which may be another thing when the TV changes its programme. */
    choose() {
        const wanted = this.#wanted();
        if (wanted?.url === this.#playing?.url) return;
        this.#playing = wanted;
        video.hidden = !wanted;
        canvas.hidden = Boolean(wanted);
        if (wanted) video.src = wanted.url;
        else video.removeAttribute('src');
        video.load();
        this.sound = this.#sound;
        this.#rendering();
    }

    #rendering() {
        this.#synchroniser.detach();
        if (!this.#playing) return;
        this.#synchroniser.attach(video);
        this.#synchroniser.media.calibrationS = this.#offsetS;
    }

    /** Tells the TV where the pattern is; what media plays is told without this. */
    report() {
        if (!this.#playing) this.#synchroniser.report(0);
    }

    #beepingLine() {
        const { available, positionS, speed } = this.positionAt(performance.now());
        return { positionS, speed: available ? speed : 0 };
    }

    #wanted() {
        if (source.value === 'pattern') return null;
        if (source.value === 'own') return this.#blob;
        if (source.value !== 'auto')
            return this.#media.find(({ name }) => name === source.value) ?? null;
        /* The TV plays one of the files here if its content's name ends in that of the file. */
        const { contentId } = this.#synchroniser.status();
        const ending = (name) => [`/${name}`, `/${encodeURIComponent(name)}`];
        return (
            this.#media.find(({ name }) => ending(name).some((end) => contentId?.endsWith(end))) ??
            null
        );
    }
}

/* ---- showing -------------------------------------------------------------------------------- */

const CONNECTIONS = {
    connecting: 'connecting',
    open: 'connected',
    waiting: 'lost, trying again',
    stopped: 'none',
};

function boundText(boundS) {
    return Number.isFinite(boundS) ? `± ${numberText(boundS * 1000)} ms` : 'not known yet';
}

function rateText(ppm) {
    return `${numberText(Math.abs(ppm))} ppm ${ppm < 0 ? 'slower' : 'faster'} than this one`;
}

/** The state in a word, as [kind, text]. */
function summary(status) {
    if (status.cii === 'waiting') return ['bad', 'No television'];
    if (status.cii !== 'open') return ['', 'Connecting'];
    if (!status.available) return ['warn', 'Waiting for the television'];
    if (status.media?.nudging) return ['warn', 'Getting in step'];
    if (status.media && !(Math.abs(status.media.errorS) < 0.1)) return ['warn', 'Getting in step'];
    return ['good', status.speed === 0 ? 'Paused, in step' : 'In step'];
}

function doing({ available, speed, media }) {
    if (!available) return 'waiting';
    if (speed === 0) return 'paused with the television';
    if (!media) return `drawing at ${speedText(speed)}`;
    if (Number.isNaN(media.errorS)) return 'seeking';
    return `playing at ${numberText(media.rate)}×${media.nudging ? ', correcting' : ''}`;
}

function show(companion) {
    const status = companion.status();
    const { media } = status;
    setState(byId('state'), ...summary(status));
    const none = media ? '–' : 'drawn in place';
    const known = status.available && Number.isFinite(media?.errorS);
    setText(byId('error'), known ? differenceText(media.errorS) : none);
    setText(byId('bound'), boundText(status.boundS));
    setText(byId('doing'), doing(status));
    setFacts(byId('facts'), [
        ['Presents', status.contentId ?? '–'],
        ['Status', status.presentationStatus ?? '–'],
        ['Timeline', status.timelineSelector ?? '–'],
        ['Position', clockText(status.positionS, 1)],
        ['Speed', status.available ? speedText(status.speed) : '–'],
        ['Round trip', `${numberText(status.roundTripMs)} ms`],
        ['Its clock runs', rateText(status.frequencyPpm)],
        ['CSS-CII', CONNECTIONS[status.cii]],
        ['CSS-TS', CONNECTIONS[status.ts]],
        ['Wall clock', CONNECTIONS[status.wallClock]],
    ]);
}

function showChart(companion) {
    const { available, boundS, media } = companion.status();
    const ms = (s) => (Math.abs(s) < CHARTED_S ? Math.abs(s) * 1000 : null);
    chart.push(performance.now() / 1000, [available ? ms(media?.errorS) : null, ms(boundS)]);
}

/* What is drawn now is seen with the next frame. */
function drawWhile(companion) {
    requestAnimationFrame((frameMs) => {
        if (!canvas.hidden) {
            const { available, positionS, speed } = companion.positionAt(frameMs + FRAME_MS);
            const label = speed === 0 ? 'paused' : 'in step with the television';
            if (available) drawPattern(canvas, positionS, label);
            else drawPattern(canvas, 0, 'waiting for the television');
        }
        drawWhile(companion);
    });
}

/* ---- controls ------------------------------------------------------------------------------- */

function setOffset(companion, ms) {
    const offset = byId('offset');
    offset.value = ms;
    setText(byId('offset-value'), `${offset.value} ms`);
    localStorage.setItem(OFFSET_KEY, offset.value);
    companion.offsetS = Number(offset.value) / 1000;
}

function toggleSound(companion) {
    companion.sound = byId('sound').getAttribute('aria-pressed') !== 'true';
    byId('sound').setAttribute('aria-pressed', String(companion.sound));
}

function listen(companion) {
    const offset = byId('offset');
    offset.addEventListener('input', () => setOffset(companion, offset.value));
    byId('offset-reset').addEventListener('click', () => setOffset(companion, 0));
    for (const button of document.querySelectorAll('[data-nudge]'))
        button.addEventListener('click', () =>
            setOffset(companion, Number(offset.value) + Number(button.dataset.nudge)),
        );
    source.addEventListener('change', () => companion.choose());
    byId('pick').addEventListener('click', () => byId('file').click());
    byId('file').addEventListener('change', ({ target }) => {
        if (target.files.length > 0) companion.open(target.files[0]);
    });
    byId('sound').addEventListener('click', () => toggleSound(companion));
    byId('play').addEventListener('click', () => companion.resume());
    byId('connect').addEventListener('submit', (event) => {
        event.preventDefault();
        connect(companion, byId('tv').value.trim());
    });
    video.addEventListener('error', () => {
        if (video.src) warn('This browser cannot play the file.');
    });
    document.addEventListener('securitypolicyviolation', ({ blockedURI }) =>
        warn(
            `This page may only connect to the host that it came from, not to ${blockedURI}. ` +
                'Open the companion page of that television.',
        ),
    );
}

/** Follows the TV of an address that somebody gave, if it is one. */
function connect(companion, tv, wc) {
    try {
        companion.connect(tv, wc);
        warn('');
        return true;
    } catch {
        warn(`This is no address of a WebSocket, as ${socketUrl('/cii')} is: ${tv}`);
        return false;
    }
}

const site = await readSite();
const own = socketUrl(site.cii ?? '/cii');
const ownClock = socketUrl(site.wc ?? '/wc');
const companion = new Companion(await readMedia(site));
byId('tv').value = addressed('tv') ?? own;
if (!addressed('tv') || !connect(companion, addressed('tv'), addressed('wc')))
    companion.connect(own, addressed('wc') ?? ownClock);
listen(companion);
setOffset(companion, localStorage.getItem(OFFSET_KEY) ?? 0);
drawWhile(companion);
setInterval(() => show(companion), SHOW_MS);
setInterval(() => showChart(companion), 1000);
setInterval(() => companion.report(), REPORT_MS);
