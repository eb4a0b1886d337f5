/**
 * The page channel: how this page is the television. docs/page-channel.md describes the messages.
 *
 * Events:
 *   state      the connection is: see `state`
 *   ready      the wall clock is known: from now on, and again after each reconnection, the daemon has
 *              to be told everything that is presented
 *   companion  a companion came, went, asked or reported: `companions` has what is known
 *   problem    the daemon did not take a message or the token: `event.detail` is {code, reason}
 */
import { backOffMs, ClockEstimator, measurePrecisionMs } from '../dvbcss.js';

const BURST = 8;
const BURST_EVERY_MS = 25;
/* The channel does not tell how good the daemon's clock is: what it says to companions by default. */
const DAEMON_CLOCK = { precisionNs: 1000, errorPpm: 500 };
/* What the state says anyway. */
const TOLD_BY_STATE = ['owned', 'taken_over', 'silent', 'resumed'];
const CLOSED = { token: 4003, takenOver: 4001, owned: 4009 };

export class PageChannel extends EventTarget {
    #url;
    #socket = null;
    #estimator;
    #precisionMs = measurePrecisionMs();
    #failures = 0;
    #retryTimer;
    #ticker = null;
    #ready = false;
    #awaiting = new Map();

    /**
     * @param {string} url of the channel
     * @param {object} options
     * @param {string} options.name what this television is called
     */
    constructor(url, { name }) {
        super();
        this.#url = url;
        this.name = name;
        /** What the daemon wants from pages on other machines; '' for none. */
        this.token = '';
        /** stopped, connecting, open, waiting (tries again), owned (another page is the television, tries
         * again), token (needs one: set it and start() again), taken (another page took over). */
        this.state = 'stopped';
        /** @type {Map<string, object>} by id: {id, address, asked, reported} */
        this.companions = new Map();
    }

    /** Connects, and stays connected. */
    start() {
        this.#ticker ??= this.#makeTicker();
        this.#connect();
    }

    /** Disconnects: companions get what is configured at once. */
    stop() {
        clearTimeout(this.#retryTimer);
        this.#ticker?.terminate();
        this.#ticker = null;
        this.#socket?.close(1000);
        this.#socket = null;
        this.#enter('stopped');
    }

    /** Whether the television can be told things: the wall clock is known. */
    get ready() {
        return this.#ready;
    }

    /** The wall clock at a time of performance.now(), in ns. */
    wallAt(localMs) {
        return this.#estimator.wallAt(localMs);
    }

    /** What that may be off by, in ns. */
    boundNs() {
        return this.#ready ? this.#estimator.boundAt(performance.now()) : Infinity;
    }

    /** Sends a message if there is a connection. */
    say(message) {
        if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
    }

    /* Timers of a page in the background run late, those of a worker do not: the page stays alive. */
    #makeTicker() {
        const worker = new Worker(new URL('./ticker.js', import.meta.url));
        worker.addEventListener('message', () => this.#askTime());
        return worker;
    }

    #enter(state) {
        this.state = state;
        this.dispatchEvent(new Event('state'));
    }

    #connect() {
        clearTimeout(this.#retryTimer);
        this.#socket?.close();
        const socket = new WebSocket(this.#url);
        this.#socket = socket;
        this.#ready = false;
        this.#estimator = new ClockEstimator({ localPrecisionMs: this.#precisionMs });
        this.#awaiting.clear();
        this.companions.clear();
        /* A page that tries again and again stays what it is until that has an outcome. */
        if (this.state !== 'owned') this.#enter('connecting');
        /* What an abandoned socket still has to say is not heard. */
        const heard = (handler) => (event) => this.#socket === socket && handler(event);
        socket.addEventListener('open', heard(() => this.#greet()));
        socket.addEventListener('message', heard(({ data }) => this.#take(JSON.parse(data))));
        socket.addEventListener('close', heard(({ code }) => this.#lost(code)));
    }

    #greet() {
        const hello = { version: 2, name: this.name, clock: 'wall' };
        if (this.token) hello.token = this.token;
        this.say({ hello });
    }

    #lost(code) {
        this.#socket = null;
        this.#ready = false;
        this.companions.clear();
        this.dispatchEvent(new Event('companion'));
        if (code === CLOSED.token) return this.#enter('token');
        if (code === CLOSED.takenOver) return this.#enter('taken');
        this.#failures++;
        this.#retryTimer = setTimeout(() => this.#connect(), backOffMs(this.#failures));
        return this.#enter(code === CLOSED.owned ? 'owned' : 'waiting');
    }

    #take(message) {
        if (message.welcome) this.#welcomed();
        if (message.clock) this.#takeTime(message.clock);
        if (message.companion) this.#takeCompanion(message.companion);
        const problem = message.error ?? message.notice;
        if (problem && !TOLD_BY_STATE.includes(problem.code)) this.dispatchEvent(new CustomEvent('problem', { detail: problem }));
    }

    #welcomed() {
        this.#failures = 0;
        this.#enter('open');
        for (let i = 0; i < BURST; i++) setTimeout(() => this.#askTime(), i * BURST_EVERY_MS);
    }

    /* ---- time ----------------------------------------------------------------------------------- */

    #askTime() {
        if (this.state !== 'open') return;
        const t1Ms = performance.now();
        this.#awaiting.set(String(t1Ms), t1Ms);
        this.say({ clock: { t1: String(t1Ms) } });
    }

    #takeTime({ t1, t2, t3 }) {
        const t4Ms = performance.now();
        const t1Ms = this.#awaiting.get(t1);
        if (t1Ms === undefined) return;
        this.#awaiting.delete(t1);
        const exchange = { t1Ms, t4Ms, t2Ns: Number(t2), t3Ns: Number(t3), ...DAEMON_CLOCK };
        if (!this.#estimator.add(exchange).accepted || this.#ready) return;
        /* The first ones of a connection are slow, and what comes after them is not far. */
        if (this.#awaiting.size > 0) return;
        this.#ready = true;
        this.dispatchEvent(new Event('ready'));
    }

    /* ---- companions ----------------------------------------------------------------------------- */

    #takeCompanion({ id, event, ...told }) {
        const known = this.companions.get(id) ?? { id };
        if (event === 'disconnected') this.companions.delete(id);
        else if (event === 'reported') this.companions.set(id, { ...known, reported: told });
        else if (event === 'asked') this.companions.set(id, { ...known, asked: told });
        else this.companions.set(id, { ...known, ...told });
        this.dispatchEvent(new Event('companion'));
    }
}
