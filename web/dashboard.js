/**
 * The dashboard: looks at the television once a second over its control API, and changes it.
 */
import { connectionsPart } from './dashboard/connections.js';
import { figuresPart } from './dashboard/figures.js';
import { mediaPart, pagePresents } from './dashboard/media.js';
import { servicePart } from './dashboard/service.js';
import { timelinesPart } from './dashboard/timelines.js';
import { ApiError, ControlApi } from './lib/api.js';
import { byId, setState } from './lib/dom.js';
import { say, warn } from './lib/say.js';

const LOOK_EVERY_MS = 1000;
const TICK_EVERY_MS = 100;

const api = new ControlApi();
/* The wall clock as it was when the last answer came, half a round trip before. */
let wall = null;
let looking = null;
let parts = [];

/** What the parts of the page share. */
const board = {
    api,
    /** Whether the demo programme or a page decides what is presented, and changes are refused. */
    owned: false,

    /** What the wall clock shows now, in ns; good to some ms, which is enough to look at. */
    wallNs() {
        return wall ? wall.ns + (performance.now() - wall.atMs) * 1e6 : NaN;
    },

    /**
     * Does something for the person at the page, and says how that went.
     *
     * @param {string|function(object): string} said what to say when it is done, from its result
     * @param {() => Promise} run
     * @returns {Promise<boolean>} whether it is done
     */
    async act(said, run) {
        try {
            const result = await run();
            say(typeof said === 'function' ? said(result) : said);
            await look();
            return true;
        } catch (error) {
            warn(error.message);
            return false;
        }
    },
};

/* ---- looking ------------------------------------------------------------------------------------ */

async function readAll() {
    const before = performance.now();
    const status = await api.get('/status');
    const after = performance.now();
    const [{ connections }, { scheduled }, metrics] = await Promise.all([
        api.get('/connections'),
        api.get('/scheduled'),
        api.metrics(),
    ]);
    wall = { ns: status.wall_clock.now_ns, atMs: (before + after) / 2 };
    return { status, connections, scheduled, metrics, atMs: after };
}

function show(data) {
    byId('board').hidden = false;
    byId('sign-in').hidden = true;
    byId('sign-out').hidden = false;
    setState(byId('link'), 'good', 'connected');
    board.owned = data.status.programme.running || pagePresents(data.status);
    for (const part of parts) part.update(data);
}

function askForToken() {
    api.token = '';
    byId('board').hidden = true;
    byId('sign-in').hidden = false;
    byId('sign-out').hidden = true;
    setState(byId('link'), '', 'not connected');
}

function fail(error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) {
        warn('The token is not the right one.');
        askForToken();
    } else {
        setState(byId('link'), 'bad', error.message);
    }
}

/* One look at a time: whoever asks meanwhile gets the one that is under way. */
function look() {
    looking ??= readAll()
        .then(show, fail)
        .finally(() => {
            looking = null;
        });
    return looking;
}

function lookAgain() {
    if (api.token && document.visibilityState === 'visible') look();
}

/* ---- starting ----------------------------------------------------------------------------------- */

function connectSignIn() {
    byId('sign-in').addEventListener('submit', (event) => {
        event.preventDefault();
        warn('');
        api.token = byId('token').value;
        event.target.reset();
        look();
    });
    byId('sign-out').addEventListener('click', () => {
        askForToken();
        say('The token is forgotten.');
    });
}

async function start() {
    const site = await fetch('pages.json').then((answer) => answer.json());
    if (!site.api) {
        byId('no-api').hidden = false;
        return;
    }
    connectSignIn();
    parts = [mediaPart, timelinesPart, connectionsPart, figuresPart, servicePart].map((make) =>
        make(board),
    );
    if (api.token) look();
    else askForToken();
    setInterval(lookAgain, LOOK_EVERY_MS);
    setInterval(() => {
        if (wall) for (const part of parts) part.tick?.(board.wallNs());
    }, TICK_EVERY_MS);
}

start().catch((error) => warn(error.message));
