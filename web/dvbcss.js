/**
 * DVB-CSS (ETSI TS 103 286-2) for companion pages: one module, no dependency, no build step.
 *
 * The short way, which does everything from the URL of a TV's CSS-CII endpoint on:
 *
 *     import { Synchroniser } from './dvbcss.js';
 *     const companion = new Synchroniser('ws://tv.example:7681/cii', {
 *         media: document.querySelector('video'),
 *     });
 *     companion.addEventListener('change', () => console.log(companion.status()));
 *     companion.start();
 *
 * The parts, each of use by itself:
 *
 * | class              | what it does                                                          |
 * |--------------------|-----------------------------------------------------------------------|
 * | `WallClock`        | the TV's wall clock over a WebSocket, with an error bound that holds  |
 * | `CiiClient`        | what the TV presents and where its endpoints are                      |
 * | `TsClient`         | one timeline; also tells the TV what the companion presents           |
 * | `TimelineClock`    | the line that a control timestamp states                              |
 * | `MediaSynchroniser`| keeps a `<video>` or `<audio>` at a position that moves               |
 * | `Synchroniser`     | all of them together                                                  |
 *
 * and without any socket or clock, for tests and for other carriages: `ClockEstimator`,
 * `encodeRequest`, `decodeAnswer`, `mergeCii`, `parseControlTimestamp`, `parseSelector`,
 * `repairUrl`, `PositionMeter`, `decideCorrection`.
 *
 * Units are in the names. Local times are those of `performance.now()`, in ms (`localMs`). Times of
 * the wall clock are numbers in ns (`wallNs`): exact for 104 days after a wall clock began at 0,
 * and within 256 ns on a TV that counts from 1970; bounds have that in them. Timelines count ticks.
 *
 * Every object with a life cycle is an EventTarget with `start()` and `stop()`, may be started
 * again, and dispatches
 *   change  something that its getters tell is different,
 *   state   its connection is: `event.detail` is {state, reason}, with state one of `connecting`,
 *           `open`, `waiting` (for the next attempt) and `stopped`.
 * Nothing that a TV sends throws out of this module: what cannot be understood is counted in
 * `ignored` and passed over.
 *
 * @module dvbcss
 * @license Apache-2.0
 */

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;
const PPM = 1e-6;

/** An event with `detail`: CustomEvent, which not every runtime has. */
class DetailEvent extends Event {
    constructor(type, detail) {
        super(type);
        this.detail = detail;
    }
}

function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function clamp(value, low, high) {
    return Math.min(high, Math.max(low, value));
}

/* ---- the local clock ------------------------------------------------------------------------- */

/**
 * How coarse a clock is: browsers round `performance.now()` on purpose, by 0.005 to 100 ms.
 * Spins until the clock has ticked some times, for 20 ms at most where that is short.
 *
 * @param {() => number} [now] the clock, in ms
 * @returns {number} what a reading may be off by, in ms
 */
export function measurePrecisionMs(now = () => performance.now()) {
    const end = now() + 20;
    let last = now();
    let step = Infinity;
    for (let ticks = 0, spins = 0; ticks < 50 && spins < 2e6 && last < end; spins++) {
        const reading = now();
        if (reading > last) {
            step = Math.min(step, reading - last);
            last = reading;
            ticks++;
        }
    }
    /* A clock that did not tick at all is as coarse as any browser makes it. */
    return Number.isFinite(step) ? step : 100;
}

/* ---- estimating a clock: docs/wall-clock.md derives every formula ---------------------------- */

/*
 * Inside an estimator, times are seconds and offsets (server's clock minus local clock)
 * nanoseconds, both from those of the first exchange. An exchange proves two limits: at the time of
 * its request the offset was at most `upperNs`, at that of its answer at least `lowerNs`.
 */
function limitsOf(frame, exchange) {
    const offset = (serverNs, localMs) =>
        serverNs - frame.serverNs - (localMs - frame.localMs) * NS_PER_MS;
    return {
        upperAt: (exchange.t1Ms - frame.localMs) / 1000,
        upperNs: offset(exchange.t2Ns, exchange.t1Ms),
        lowerAt: (exchange.t4Ms - frame.localMs) / 1000,
        lowerNs: offset(exchange.t3Ns, exchange.t4Ms),
    };
}

function bracketAt(bracket, at) {
    const grown = bracket.growth * Math.abs(at - bracket.at);
    return { ...bracket, at, lowerNs: bracket.lowerNs - grown, upperNs: bracket.upperNs + grown };
}

function overlapOf(older, newer) {
    return {
        ...newer,
        lowerNs: Math.max(older.lowerNs, newer.lowerNs),
        upperNs: Math.min(older.upperNs, newer.upperNs),
    };
}

const SPANS_MAX = 64;
const SPAN_MIN_S = 0.25;
const SPAN_MAX_S = 8;
const SPANS_PER_AGE = 8;
/* How fast frequencies wander (ns/s) and drift (ns/s^2), and how well one can be measured. */
const WANDER = 100;
const DRIFT = 1;
const FREQUENCY_ERROR_MIN = 500;
const FREQUENCY_MAX = 1e6;
/* What crystals are off by, which is less than what clocks may be slewed by. */
const PRIOR_ERROR_MAX = 60000;
const MIDDLE_ERROR_SHARE = 0.01;

/** The exchanges of the last minutes: the narrowest limits of each span of time. */
class SpanHistory {
    /** @param {number} readingErrorNs what the middle of the best span may be off by */
    constructor(readingErrorNs) {
        this.readingErrorNs = readingErrorNs;
        this.spans = [];
        this.frequency = 0;
        this.frequencyError = FREQUENCY_MAX;
        this.priorError = 0;
    }

    add(limits, growth) {
        const now = limits.lowerAt;
        if (this.spans.length === 0) {
            this.firstAt = now;
            this.priorError = clamp(growth / 2, FREQUENCY_ERROR_MIN / 2, PRIOR_ERROR_MAX);
        }
        this.#put(limits, now);
        this.#fit(growth, now);
    }

    #put(limits, now) {
        const span = clamp((now - this.firstAt) / SPANS_PER_AGE, SPAN_MIN_S, SPAN_MAX_S);
        if (this.spans.length > 0 && now - this.newestBegin < span) {
            this.#tighten(this.spans[this.spans.length - 1], limits);
            return;
        }
        this.spans.push({ ...limits });
        this.newestBegin = now;
        if (this.spans.length > SPANS_MAX) this.spans.shift();
    }

    #moved(ns, from, to) {
        return ns + this.frequency * (to - from);
    }

    #tighten(span, limits) {
        if (limits.upperNs <= this.#moved(span.upperNs, span.upperAt, limits.upperAt)) {
            span.upperNs = limits.upperNs;
            span.upperAt = limits.upperAt;
        }
        if (limits.lowerNs >= this.#moved(span.lowerNs, span.lowerAt, limits.lowerAt)) {
            span.lowerNs = limits.lowerNs;
            span.lowerAt = limits.lowerAt;
        }
    }

    #overlap(at) {
        let upper = Infinity;
        let lower = -Infinity;
        for (const span of this.spans) {
            const error = (then) => this.frequencyError * Math.abs(at - then);
            const upperNs = this.#moved(span.upperNs, span.upperAt, at) + error(span.upperAt);
            const lowerNs = this.#moved(span.lowerNs, span.lowerAt, at) - error(span.lowerAt);
            upper = Math.min(upper, upperNs);
            lower = Math.max(lower, lowerNs);
        }
        return { upper, lower };
    }

    /** Where the offset is, by the shortest delays of the whole history. */
    offsetNs(at) {
        const { upper, lower } = this.#overlap(at);
        return (upper + lower) / 2;
    }

    #middleOf(span) {
        const at = (span.upperAt + span.lowerAt) / 2;
        const upper = this.#moved(span.upperNs, span.upperAt, at);
        const lower = this.#moved(span.lowerNs, span.lowerAt, at);
        return { at, ns: (upper + lower) / 2, width: upper - lower };
    }

    /* A weighted line through the middles of the spans; what was known before is one more
     * observation. */
    #fit(growth, now) {
        const { upper, lower } = this.#overlap(now);
        const shortest = Math.max(0, upper - lower);
        const middles = this.spans.map((span) => {
            const middle = this.#middleOf(span);
            const delayed = Math.max(0, middle.width - shortest) / 2;
            const error = this.readingErrorNs + MIDDLE_ERROR_SHARE * shortest + delayed;
            const aged = WANDER * (now - middle.at);
            return { ...middle, weight: 1 / (error * error + aged * aged) };
        });
        const weights = middles.reduce((sum, { weight }) => sum + weight, 0);
        const mean = (what) =>
            middles.reduce((sum, middle) => sum + middle.weight * middle[what], 0) / weights;
        const meanAt = mean('at');
        const meanNs = mean('ns');
        const priorAge = DRIFT * (now - this.firstAt);
        let certainty = 1 / (this.priorError * this.priorError + priorAge * priorAge);
        let moment = 0;
        for (const { at, ns, weight } of middles) {
            moment += weight * (at - meanAt) * (ns - meanNs);
            certainty += weight * (at - meanAt) ** 2;
        }
        const limit = Math.min(growth, FREQUENCY_MAX);
        this.frequency = clamp(moment / certainty, -limit, limit);
        this.frequencyError = Math.min(FREQUENCY_ERROR_MIN + 2 / Math.sqrt(certainty), growth);
    }
}

/**
 * Follows a server's clock by exchanges of time, and says how far it may be off.
 *
 * Pure: it reads no clock. The bound holds whatever the network does, as long as both clocks keep
 * to the precision and frequency errors that are declared for them; the estimate takes the shortest
 * delays there and back to be equal. A jump of the server's clock shows as an exchange that cannot
 * be true together with those before; the third of these in a row that agrees with the others is
 * believed.
 */
export class ClockEstimator {
    #frame = null;
    #bracket = null;
    #history = null;
    #line = null;
    #doubted = [];

    /**
     * @param {object} [options]
     * @param {number} [options.localPrecisionMs] what a reading of the local clock may be off by
     * @param {number} [options.localErrorPpm] how far the local clock's rate may be off. Browsers'
     *     clocks are slewed by the system's time service, which the default allows for
     * @param {number} [options.stepMs] differences above are stepped, others slewed
     * @param {number} [options.slewS] how long a slew takes, in s
     * @param {number} [options.jumpExchanges] how many contradicting exchanges are a jump
     */
    constructor(options = {}) {
        const {
            localPrecisionMs = 0.1,
            localErrorPpm = 500,
            stepMs = 5,
            slewS = 1,
            jumpExchanges = 3,
        } = options;
        this.localPrecisionNs = localPrecisionMs * NS_PER_MS;
        this.localError = localErrorPpm * PPM;
        this.stepNs = stepMs * NS_PER_MS;
        this.slewS = slewS;
        this.jumpExchanges = jumpExchanges;
    }

    /**
     * Takes an exchange in.
     *
     * @param {object} exchange
     * @param {number} exchange.t1Ms local time before the request was sent
     * @param {number} exchange.t2Ns server's time of its arrival
     * @param {number} exchange.t3Ns server's time when the answer left
     * @param {number} exchange.t4Ms local time after the answer came
     * @param {number} exchange.precisionNs what the server's readings may be off by
     * @param {number} exchange.errorPpm how far the server's rate may be off
     * @returns {{accepted: boolean, useful: boolean, doubted: boolean, jumped: boolean}}
     *     `accepted` is false for what is no exchange at all; `useful`: the bound became smaller
     */
    add(exchange) {
        const none = { accepted: false, useful: false, doubted: false, jumped: false };
        if (!isExchange(exchange)) return none;
        if (this.#frame && this.#contradicts(exchange)) return this.#doubt(exchange);
        this.#doubted = [];
        return { ...none, accepted: true, useful: this.#learn(exchange) };
    }

    /** Forgets everything. */
    reset() {
        this.#frame = null;
        this.#line = null;
        this.#doubted = [];
    }

    /** Whether anything is known. */
    get available() {
        return this.#frame !== null;
    }

    /** How much faster than the local clock the server's runs, as measured. */
    get frequencyPpm() {
        return this.#frame ? this.#history.frequency / 1000 : 0;
    }

    /** What the bound grows by, in ns per s. */
    get growthNsPerS() {
        return this.#frame ? this.#bracket.growth : Infinity;
    }

    /**
     * @param {number} localMs
     * @returns {number} what the server's clock shows then, in ns; NaN if nothing is known
     */
    wallAt(localMs) {
        if (!this.#frame) return NaN;
        const sinceMs = localMs - this.#frame.localMs;
        return this.#frame.serverNs + sinceMs * NS_PER_MS + this.#shownAt(sinceMs / 1000);
    }

    /**
     * @param {number} wallNs
     * @returns {number} when the server's clock shows that, in local ms; NaN if nothing is known
     */
    localAt(wallNs) {
        if (!this.#frame) return NaN;
        const sinceNs = wallNs - this.#frame.serverNs;
        let s = sinceNs / NS_PER_S;
        /* The offset changes by less than a hundredth: this converges in some rounds. */
        for (let i = 0; i < 6; i++) s = (sinceNs - this.#shownAt(s)) / NS_PER_S;
        return this.#frame.localMs + s * 1000;
    }

    /**
     * @param {number} localMs
     * @returns {number} what wallAt() may be off by then, in ns; Infinity if nothing is known
     */
    boundAt(localMs) {
        if (!this.#frame) return Infinity;
        const at = (localMs - this.#frame.localMs) / 1000;
        const shown = this.#shownAt(at);
        const { lowerNs, upperNs } = bracketAt(this.#bracket, at);
        const rounding = Math.abs(this.#frame.serverNs) * 2 ** -51 + 2;
        return Math.max(upperNs - shown, shown - lowerNs, 0) + this.localPrecisionNs + rounding;
    }

    /* The bracket of one exchange alone, at the time of its answer. */
    #proven(exchange) {
        const limits = limitsOf(this.#frame, exchange);
        const errorNs = exchange.precisionNs + this.localPrecisionNs;
        const serverError = exchange.errorPpm * PPM;
        const growth = ((serverError + this.localError) / (1 - this.localError)) * NS_PER_S;
        const at = limits.lowerAt;
        const aged = growth * Math.abs(at - limits.upperAt);
        return {
            limits,
            bracket: {
                at,
                growth,
                lowerNs: limits.lowerNs - errorNs,
                upperNs: limits.upperNs + errorNs + aged,
            },
        };
    }

    #narrowed(bracket) {
        const growth = Math.max(this.#bracket.growth, bracket.growth);
        return overlapOf(bracketAt({ ...this.#bracket, growth }, bracket.at), bracket);
    }

    #contradicts(exchange) {
        const overlap = this.#narrowed(this.#proven(exchange).bracket);
        return overlap.lowerNs > overlap.upperNs;
    }

    #doubt(exchange) {
        const { bracket } = this.#proven(exchange);
        const agrees = this.#doubted.every((other) => {
            const overlap = overlapOf(bracketAt(this.#proven(other).bracket, bracket.at), bracket);
            return overlap.lowerNs <= overlap.upperNs;
        });
        this.#doubted = agrees ? [...this.#doubted, exchange] : [exchange];
        const jumped = this.#doubted.length >= this.jumpExchanges;
        if (jumped) {
            const believed = this.#doubted;
            this.reset();
            for (const each of believed) this.#learn(each);
        }
        return { accepted: true, useful: jumped, doubted: !jumped, jumped };
    }

    #learn(exchange) {
        const first = !this.#frame;
        if (first) {
            this.#frame = {
                localMs: (exchange.t1Ms + exchange.t4Ms) / 2,
                serverNs: (exchange.t2Ns + exchange.t3Ns) / 2,
            };
            this.#history = new SpanHistory(2000 + this.localPrecisionNs / 4);
        }
        const { limits, bracket } = this.#proven(exchange);
        const before = first ? null : bracketAt(this.#bracket, bracket.at);
        this.#bracket = first ? bracket : this.#narrowed(bracket);
        this.#history.add(limits, this.#bracket.growth);
        this.#follow(bracket.at);
        if (first) return true;
        return this.#bracket.lowerNs > before.lowerNs || this.#bracket.upperNs < before.upperNs;
    }

    /* Steps or slews what is shown to where the exchanges have it. */
    #follow(at) {
        const { lowerNs, upperNs } = this.#bracket;
        const wanted = clamp(this.#history.offsetNs(at), lowerNs, upperNs);
        const rate = this.#history.frequency;
        const error = this.#line ? wanted - this.#shownAt(at) : Infinity;
        if (Math.abs(error) > this.stepNs)
            this.#line = { at, ns: wanted, slew: 0, slewEnd: at, rate };
        else
            this.#line = {
                at,
                ns: wanted - error,
                slew: error / this.slewS,
                slewEnd: at + this.slewS,
                rate,
            };
    }

    /* The offset that is shown. A slew ends by itself. */
    #shownAt(at) {
        const { at: from, ns, slew, slewEnd, rate } = this.#line;
        return ns + rate * (at - from) + slew * clamp(at - from, 0, slewEnd - from);
    }
}

function isExchange({ t1Ms, t2Ns, t3Ns, t4Ms, precisionNs, errorPpm }) {
    const numbers = [t1Ms, t2Ns, t3Ns, t4Ms, precisionNs, errorPpm];
    return (
        numbers.every(Number.isFinite) &&
        t4Ms >= t1Ms &&
        t3Ns >= t2Ns &&
        precisionNs >= 0 &&
        errorPpm >= 0
    );
}

/* ---- CSS-WC messages (TS 103 286-2 clause 8) over a WebSocket -------------------------------- */

const WC_BYTES = 32;

/**
 * A wall-clock request.
 *
 * @param {number} id what the answer brings back; an integer from 0 to 2^32 - 1
 * @param {'binary'|'json'} [format] 32 bytes as over UDP, or the JSON of HbbTV polyfills
 * @returns {ArrayBuffer|string}
 */
export function encodeRequest(id, format = 'binary') {
    if (format === 'json') return JSON.stringify({ v: 0, t: 0, p: 0, mfe: 0, id, ot: id });
    const view = new DataView(new ArrayBuffer(WC_BYTES));
    view.setUint32(8, id);
    return view.buffer;
}

function decodeBinaryAnswer(data) {
    if (data.byteLength < WC_BYTES) return null;
    const view = new DataView(data);
    const type = view.getUint8(1);
    if (view.getUint8(0) !== 0 || type < 1 || type > 3) return null;
    const time = (at) => view.getUint32(at) * NS_PER_S + view.getUint32(at + 4);
    return {
        type,
        id: view.getUint32(8),
        t2Ns: time(16),
        t3Ns: time(24),
        precisionNs: 2 ** view.getInt8(2) * NS_PER_S,
        errorPpm: view.getUint32(4) / 256,
    };
}

function decodeJsonAnswer(text) {
    const message = parseObject(text);
    if (!message || Number(message.v) !== 0) return null;
    const type = Number(message.t);
    if (!(type >= 1 && type <= 3)) return null;
    const precision = Number(message.p);
    return {
        type,
        id: Number(message.id),
        t2Ns: Number(message.rt),
        t3Ns: Number(message.tt),
        /* Negative ones are exponents, as in the 32 bytes; others seconds. */
        precisionNs: (precision < 0 ? 2 ** precision : precision) * NS_PER_S,
        errorPpm: Number(message.mfe),
    };
}

/**
 * Reads an answer of either format.
 *
 * @param {ArrayBuffer|string} data
 * @returns {?{type: number, id: number, t2Ns: number, t3Ns: number, precisionNs: number,
 *     errorPpm: number}} type 1 is an answer, 2 one that a follow-up (3) will correct; null if it
 *     is none of these
 */
export function decodeAnswer(data) {
    const answer = typeof data === 'string' ? decodeJsonAnswer(data) : decodeBinaryAnswer(data);
    return answer && Object.values(answer).every(Number.isFinite) ? answer : null;
}

/* Some TVs mark their text as binary. */
function textOf(data) {
    return typeof data === 'string' ? data : new TextDecoder().decode(data);
}

function parseObject(text) {
    try {
        const value = JSON.parse(text);
        return value && typeof value === 'object' && !Array.isArray(value) ? value : null;
    } catch {
        return null;
    }
}

/* ---- connections ----------------------------------------------------------------------------- */

const CONNECT_TIMEOUT_MS = 10000;
const BACK_OFF_MIN_MS = 500;
const BACK_OFF_MAX_MS = 15000;

/**
 * How long to wait before an attempt to connect: doubled with each failure, and drawn at random
 * from the upper half, so that the companions of a TV that was switched on do not all come at once.
 *
 * @param {number} failures failed attempts so far, from 1
 * @param {() => number} [random]
 * @returns {number} ms
 */
export function backOffMs(failures, random = Math.random) {
    const longest = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MIN_MS * 2 ** Math.max(0, failures - 1));
    return longest * (0.5 + random() / 2);
}

/** What the clients have in common: a WebSocket that is opened again whenever it ends. */
class Client extends EventTarget {
    #url;
    #socket = null;
    #failures = 0;
    #timer;
    #WebSocket;
    #state = 'stopped';

    constructor(url, options) {
        super();
        this.#url = url;
        this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
        /** Messages that could not be understood. */
        this.ignored = 0;
    }

    /** Where it connects to. Setting another one connects there. */
    get url() {
        return this.#url;
    }

    set url(url) {
        if (url === this.#url) return;
        this.#url = url;
        this.onMoved();
        if (this.#state === 'stopped') return;
        this.#failures = 0;
        this.#connect();
    }

    /** `connecting`, `open`, `waiting` or `stopped`. */
    get state() {
        return this.#state;
    }

    /** Connects, and stays connected until stop(). */
    start() {
        if (this.#state === 'stopped') this.#connect();
    }

    /** Disconnects. */
    stop() {
        this.#drop();
        this.#enter('stopped', '');
    }

    /** For subclasses: what to do when connected, with a message (it returns whether that was
     * understood), when disconnected, and when there is another peer from now on. */
    onOpen() {}
    onMessage() {}
    onClose() {}
    onMoved() {}

    /** For subclasses: whether the peer got it. */
    send(data) {
        if (this.#state !== 'open') return false;
        this.#socket.send(data);
        return true;
    }

    /** For subclasses: gives this connection up and makes another. */
    reconnect(reason) {
        this.#drop();
        this.#retry(reason);
    }

    #enter(state, reason) {
        this.#state = state;
        this.dispatchEvent(new DetailEvent('state', { state, reason }));
    }

    #drop() {
        clearTimeout(this.#timer);
        const socket = this.#socket;
        this.#socket = null;
        if (!socket) return;
        socket.close();
        this.onClose();
    }

    #retry(reason) {
        this.#failures++;
        this.#timer = setTimeout(() => this.#connect(), backOffMs(this.#failures));
        this.#enter('waiting', reason);
    }

    #connect() {
        this.#drop();
        let socket;
        try {
            socket = new this.#WebSocket(this.#url);
        } catch (error) {
            this.#retry(error.message);
            return;
        }
        this.#socket = socket;
        socket.binaryType = 'arraybuffer';
        this.#timer = setTimeout(() => this.reconnect('no answer'), CONNECT_TIMEOUT_MS);
        this.#enter('connecting', '');
        /* What an abandoned socket still has to say is not heard. */
        const heard = (handler) => (event) => this.#socket === socket && handler(event);
        socket.addEventListener(
            'open',
            heard(() => this.#opened()),
        );
        socket.addEventListener(
            'message',
            heard((event) => this.#received(event)),
        );
        socket.addEventListener(
            'close',
            heard((event) => this.reconnect(closeReason(event))),
        );
    }

    #opened() {
        clearTimeout(this.#timer);
        this.#enter('open', '');
        this.onOpen();
    }

    #received(event) {
        this.#failures = 0;
        if (!this.onMessage(event.data)) this.ignored++;
    }
}

function closeReason({ code, reason }) {
    return reason || (code === 1006 ? 'refused or lost' : `closed with ${code}`);
}

/* ---- the wall clock -------------------------------------------------------------------------- */

const BURST_REQUESTS = 8;
const BURST_SPAN_MS = 20;
const SPAN_FLOOR_MS = 500;
const SPAN_CEILING_MS = 2000;
const BOUND_TARGET_NS = 1.5e6;
const ANSWER_TIMEOUT_MS = 8000;
const PENDING_MAX = 32;
/* Time of day and local clock part by so much if the machine slept, or its time was set. */
const SLEEP_MS = 1000;

/**
 * How long to wait before the next request: until the bound has grown from what exchanges bring it
 * to up to the target, or to its double where that is more.
 *
 * @param {number} boundNs the bound now
 * @param {number} growthNsPerS
 * @param {() => number} [random] for the jitter of 10 %
 * @returns {number} ms
 */
export function requestSpanMs(boundNs, growthNsPerS, random = Math.random) {
    const room = Math.max(BOUND_TARGET_NS, 2 * boundNs) - boundNs;
    const span = clamp((room / growthNsPerS) * 1000, SPAN_FLOOR_MS, SPAN_CEILING_MS);
    return span * (0.9 + random() / 5);
}

/**
 * A TV's wall clock over a WebSocket (binary messages as over UDP, or JSON).
 *
 * `change` comes with each exchange that told something; `jump` when the server's clock is another
 * one than before.
 */
export class WallClock extends Client {
    #estimator;
    #now;
    #format;
    #pending = new Map();
    #nextId = Math.floor(Math.random() * 2 ** 31);
    #burst = 0;
    #timer;
    #sleepWatch;
    #visible = () => this.#watchVisibility();

    /**
     * @param {string} url ws: or wss:
     * @param {object} [options]
     * @param {'binary'|'json'} [options.format] of the requests
     * @param {() => number} [options.now] the local clock, in ms
     * @param {number} [options.precisionMs] its precision; measured if omitted
     * @param {number} [options.localErrorPpm] see ClockEstimator
     * @param {typeof WebSocket} [options.WebSocket]
     */
    constructor(url, options = {}) {
        super(url, options);
        this.#now = options.now ?? (() => performance.now());
        this.#format = options.format ?? 'binary';
        /** What a reading of the local clock may be off by. */
        this.precisionMs = options.precisionMs ?? measurePrecisionMs(this.#now);
        this.#estimator = new ClockEstimator({
            localPrecisionMs: this.precisionMs,
            localErrorPpm: options.localErrorPpm,
        });
        /** The round trip of the last exchange, in ms. */
        this.roundTripMs = NaN;
        /** Exchanges, those that made the bound smaller, and jumps of the server's clock. */
        this.counts = { exchanges: 0, useful: 0, jumps: 0 };
    }

    start() {
        super.start();
        globalThis.document?.addEventListener('visibilitychange', this.#visible);
    }

    stop() {
        globalThis.document?.removeEventListener('visibilitychange', this.#visible);
        super.stop();
    }

    /** Whether the time is known. It stays known when the connection is lost: the bound grows. */
    get available() {
        return this.#estimator.available;
    }

    /** What the TV's wall clock shows now, in ns. */
    now() {
        return this.wallAt(this.#now());
    }

    /** @see ClockEstimator#wallAt */
    wallAt(localMs) {
        return this.#estimator.wallAt(localMs);
    }

    /** @see ClockEstimator#localAt */
    localAt(wallNs) {
        return this.#estimator.localAt(wallNs);
    }

    /** What wallAt() may be off by, in ns. @see ClockEstimator#boundAt */
    boundAt(localMs = this.#now()) {
        return this.#estimator.boundAt(localMs);
    }

    /** How much faster than the local clock the TV's runs, as measured. */
    get frequencyPpm() {
        return this.#estimator.frequencyPpm;
    }

    /** Asks some times at once, for when something may have changed (another network). */
    refresh() {
        if (this.state !== 'open') return;
        this.#burst = BURST_REQUESTS;
        this.#plan(0);
    }

    onOpen() {
        this.#sleepWatch = Date.now() - this.#now();
        this.refresh();
    }

    onClose() {
        clearTimeout(this.#timer);
        this.#pending.clear();
    }

    onMoved() {
        this.#estimator.reset();
    }

    onMessage(data) {
        const t4Ms = this.#now();
        const answer = decodeAnswer(data);
        if (!answer || !this.#pending.has(answer.id)) return false;
        const sent = this.#pending.get(answer.id);
        /* A follow-up tells when the answer before it left, not when it came itself. */
        sent.t4Ms ??= t4Ms;
        if (answer.type === 2) return true;
        this.#pending.delete(answer.id);
        this.#exchanged({ ...sent, ...answer });
        return true;
    }

    #plan(afterMs) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#request(), afterMs);
    }

    #request() {
        const [oldest] = this.#pending.values();
        if (oldest && this.#now() - oldest.t1Ms > ANSWER_TIMEOUT_MS) {
            this.reconnect('no answers');
            return;
        }
        this.#watchSleep();
        if (this.#pending.size < PENDING_MAX) {
            const id = this.#nextId;
            this.#nextId = (id + 1) % 2 ** 32;
            const request = encodeRequest(id, this.#format);
            this.#pending.set(id, { t1Ms: this.#now() });
            this.send(request);
        }
        if (this.#burst > 0) this.#burst--;
        this.#plan(this.#burst > 0 ? BURST_SPAN_MS : this.#span());
    }

    #span() {
        const growth = this.#estimator.growthNsPerS;
        if (!Number.isFinite(growth)) return SPAN_FLOOR_MS;
        return requestSpanMs(this.boundAt(), growth);
    }

    #exchanged(exchange) {
        const outcome = this.#estimator.add(exchange);
        if (!outcome.accepted) {
            this.ignored++;
            return;
        }
        this.counts.exchanges++;
        if (outcome.useful) this.counts.useful++;
        this.roundTripMs =
            exchange.t4Ms - exchange.t1Ms - (exchange.t3Ns - exchange.t2Ns) / NS_PER_MS;
        if (outcome.doubted && this.#burst === 0) this.refresh();
        if (outcome.jumped) {
            this.counts.jumps++;
            this.dispatchEvent(new DetailEvent('jump', {}));
        }
        this.dispatchEvent(new DetailEvent('change', outcome));
    }

    /* performance.now() may stand still while the machine sleeps: then nothing known holds. */
    #watchSleep() {
        const difference = Date.now() - this.#now();
        if (Math.abs(difference - this.#sleepWatch) > SLEEP_MS) {
            this.#estimator.reset();
            this.#burst = BURST_REQUESTS;
        }
        this.#sleepWatch = difference;
    }

    #watchVisibility() {
        if (globalThis.document.visibilityState === 'visible') this.refresh();
    }
}

/* ---- CSS-CII (clause 6) ---------------------------------------------------------------------- */

const CII_TEXTS = [
    'protocolVersion',
    'mrsUrl',
    'contentId',
    'contentIdStatus',
    'presentationStatus',
    'wcUrl',
    'tsUrl',
    'teUrl',
];

function ciiText(value) {
    if (value === null || typeof value === 'string') return value;
    if (Array.isArray(value)) return value.filter((item) => typeof item === 'string').join(' ');
    return typeof value === 'number' ? String(value) : undefined;
}

function ciiTimelines(value) {
    if (value === null) return null;
    if (!Array.isArray(value)) return undefined;
    return value.filter((item) => typeof item?.timelineSelector === 'string').map(ciiTimeline);
}

/* Some servers write the properties flat. */
function ciiTimeline(item) {
    const properties = item.timelineProperties ?? item;
    const unitsPerTick = Number(properties.unitsPerTick);
    const unitsPerSecond = Number(properties.unitsPerSecond);
    const tickRate = unitsPerSecond / unitsPerTick;
    return {
        timelineSelector: item.timelineSelector,
        unitsPerTick,
        unitsPerSecond,
        tickRate: tickRate > 0 && Number.isFinite(tickRate) ? tickRate : NaN,
        accuracy: properties.accuracy === undefined ? null : Number(properties.accuracy),
    };
}

function ciiValue(name, value) {
    if (name === 'timelines') return ciiTimelines(value);
    if (name === 'private') return value === null || Array.isArray(value) ? value : undefined;
    return ciiText(value);
}

/**
 * Merges a CII message into what is known. A member that is omitted stays as it is, null says that
 * there is none, a value takes over; one of a wrong type counts as omitted.
 *
 * @param {object} known what is known; not changed. {} at first
 * @param {object} message
 * @returns {object} `timelines` items are {timelineSelector, unitsPerTick, unitsPerSecond,
 *     tickRate, accuracy}
 */
export function mergeCii(known, message) {
    const cii = { ...known };
    for (const name of [...CII_TEXTS, 'timelines', 'private']) {
        if (message[name] === undefined) continue;
        const value = ciiValue(name, message[name]);
        if (value !== undefined) cii[name] = value;
    }
    return cii;
}

function changedMembers(before, after) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].filter(
        (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
    );
}

/** What a TV presents. `change` has `event.detail.changed`, the names of members that changed. */
export class CiiClient extends Client {
    #first = true;

    /**
     * @param {string} url of the CSS-CII endpoint
     * @param {object} [options]
     * @param {typeof WebSocket} [options.WebSocket]
     */
    constructor(url, options = {}) {
        super(url, options);
        /** The members of CII that the TV told. It stays when the connection is lost. */
        this.cii = {};
    }

    onOpen() {
        this.#first = true;
    }

    onMessage(data) {
        const message = parseObject(textOf(data));
        if (!message) return false;
        const before = this.cii;
        /* The first message of a connection is the full state: what it lacks is not there. */
        this.cii = mergeCii(this.#first ? {} : before, message);
        this.#first = false;
        const changed = changedMembers(before, this.cii);
        if (changed.length > 0) this.dispatchEvent(new DetailEvent('change', { changed }));
        return true;
    }
}

/* ---- CSS-TS (clause 5.7) --------------------------------------------------------------------- */

/** The selector of presentation time stamps, the timeline that every broadcast has. */
export const PTS_SELECTOR = 'urn:dvb:css:timeline:pts';

/**
 * What a timeline selector says by itself.
 *
 * @param {string} selector
 * @returns {{tickRate: number, wrapTicks: number}} NaN if only the TV knows the rate; 0 for a
 *     timeline that does not wrap round
 */
export function parseSelector(selector) {
    if (selector === PTS_SELECTOR) return { tickRate: 90000, wrapTicks: 2 ** 33 };
    const period = /^urn:dvb:css:timeline:mpd:period:rel:(\d+)(:|$)/.exec(selector);
    return { tickRate: period && period[1] > 0 ? Number(period[1]) : NaN, wrapTicks: 0 };
}

function decimal(value) {
    if (typeof value === 'string' && value.trim() !== '') return Number(value);
    return typeof value === 'number' ? value : NaN;
}

/**
 * Reads a control timestamp, strings or numbers alike.
 *
 * @param {string} text
 * @returns {?{available: boolean, contentTicks: number, wallNs: number, speed: number}} null if it
 *     is none; without `available` the rest means nothing
 */
export function parseControlTimestamp(text) {
    const message = parseObject(text);
    if (!message) return null;
    const contentTime = message.contentTime ?? null;
    const speed = message.timelineSpeedMultiplier ?? null;
    if (contentTime === null || speed === null)
        return { available: false, contentTicks: NaN, wallNs: NaN, speed: 0 };
    const control = {
        available: true,
        contentTicks: decimal(contentTime),
        wallNs: decimal(message.wallClockTime),
        speed: decimal(speed),
    };
    const numbers = [control.contentTicks, control.wallNs, control.speed];
    return numbers.every(Number.isFinite) ? control : null;
}

/**
 * Where a timeline is: the line that the last control timestamp stated.
 *
 * `change` has `event.detail`: {availability, speed, jumpS}: whether availability or speed are
 * others than before, and by how many seconds the new line is off the old one.
 */
export class TimelineClock extends EventTarget {
    #control = { available: false, contentTicks: NaN, wallNs: NaN, speed: 0 };

    /** @param {number} tickRate ticks per second; above 0 */
    constructor(tickRate) {
        super();
        if (!(tickRate > 0)) throw new RangeError('a timeline needs its ticks per second');
        this.tickRate = tickRate;
    }

    get available() {
        return this.#control.available;
    }

    /** 1 is the normal speed, 0 a pause; 0 if not available. */
    get speed() {
        return this.#control.speed;
    }

    /** @returns {number} the position in ticks at a wall-clock time; NaN if not available */
    ticksAt(wallNs) {
        const { contentTicks, wallNs: since, speed } = this.#control;
        return contentTicks + ((wallNs - since) / NS_PER_S) * speed * this.tickRate;
    }

    /** @returns {number} when the position is reached, in ns of the wall clock; NaN if never */
    wallAt(ticks) {
        const { contentTicks, wallNs, speed } = this.#control;
        if (speed === 0) return NaN;
        return wallNs + ((ticks - contentTicks) / this.tickRate / speed) * NS_PER_S;
    }

    /**
     * Takes over a control timestamp as parseControlTimestamp() reads it.
     *
     * @returns {boolean} whether anything is different from before; a TV that repeats itself
     *     changes nothing
     */
    set(control) {
        const before = this.#control;
        const expected = this.ticksAt(control.wallNs);
        this.#control = control;
        const availability = control.available !== before.available;
        const speed = control.speed !== before.speed;
        const jumpS =
            control.available && before.available
                ? (control.contentTicks - expected) / this.tickRate
                : 0;
        if (!availability && !speed && Math.abs(jumpS) < 1e-6) return false;
        this.dispatchEvent(new DetailEvent('change', { availability, speed, jumpS }));
        return true;
    }

    /** Makes it unavailable. */
    lose() {
        this.set({ available: false, contentTicks: NaN, wallNs: NaN, speed: 0 });
    }
}

const TIMELINE_GRACE_MS = 5000;

function presentationTime({ ticks, wallNs }) {
    const infinite = { [Infinity]: 'plusinfinity', [-Infinity]: 'minusinfinity' }[wallNs];
    return {
        contentTime: String(Math.round(ticks)),
        wallClockTime: infinite ?? BigInt(Math.round(wallNs)).toString(),
    };
}

/**
 * One timeline of a TV. Its clock runs on for a while when the connection is lost, and is not
 * available after that. `change` says that the clock has changed.
 */
export class TsClient extends Client {
    #setup;
    #graceMs;
    #graceTimer = null;

    /**
     * @param {string} url of the CSS-TS endpoint
     * @param {object} options
     * @param {string} options.timelineSelector
     * @param {string} [options.contentIdStem] for which contents it wants the timeline; "" is any
     * @param {number} [options.tickRate] as CII tells it; for selectors that do not say it
     *     themselves
     * @param {number} [options.graceMs] how long the timeline runs on without a connection
     * @param {typeof WebSocket} [options.WebSocket]
     */
    constructor(url, options) {
        super(url, options);
        const { timelineSelector, contentIdStem = '', graceMs = TIMELINE_GRACE_MS } = options;
        this.#setup = { contentIdStem, timelineSelector };
        this.#graceMs = graceMs;
        /** The timeline's clock. */
        this.timeline = new TimelineClock(
            options.tickRate ?? parseSelector(timelineSelector).tickRate,
        );
        this.timeline.addEventListener('change', (event) =>
            this.dispatchEvent(new DetailEvent('change', event.detail)),
        );
    }

    stop() {
        super.stop();
        this.#endGrace();
        this.timeline.lose();
    }

    /**
     * Tells the TV what this companion presents, and when it could present at the earliest and
     * latest. Each is {ticks, wallNs}; `wallNs` may be -Infinity for the earliest and Infinity for
     * the latest.
     *
     * @returns {boolean} whether it was sent
     */
    report({ actual, earliest, latest }) {
        const message = {
            earliest: presentationTime(earliest),
            latest: presentationTime(latest),
        };
        if (actual) message.actual = presentationTime(actual);
        return this.send(JSON.stringify(message));
    }

    onOpen() {
        this.send(JSON.stringify(this.#setup));
    }

    onMessage(data) {
        const control = parseControlTimestamp(textOf(data));
        if (!control) return false;
        this.#endGrace();
        this.timeline.set(control);
        return true;
    }

    onClose() {
        /* Attempts that fail do not make it longer. */
        this.#graceTimer ??= setTimeout(() => this.timeline.lose(), this.#graceMs);
    }

    #endGrace() {
        clearTimeout(this.#graceTimer);
        this.#graceTimer = null;
    }
}

/* ---- URLs ------------------------------------------------------------------------------------ */

const URL_PARTS = /^(wss?):\/\/(\[[^\]]*\]|[^:/?#]*)(:\d+)?(.*)$/i;
const NO_HOST = /^(|localhost|0\.0\.0\.0|127(\.\d+){3}|\[(0*:)*:?0*1?\])$/i;

/**
 * Makes a WebSocket URL that a TV advertised usable: a host that names every machine or none
 * (0.0.0.0, localhost, nothing) becomes the one that the TV was reached at, and what comes from a
 * host that was reached by TLS is reached by TLS, too.
 *
 * @param {string} url what was advertised
 * @param {string} reached the URL of the endpoint that advertised it
 * @returns {?string} null if it is no ws: or wss: URL
 */
export function repairUrl(url, reached) {
    const advertised = URL_PARTS.exec(url ?? '');
    const known = URL_PARTS.exec(reached);
    if (!advertised || !known) return null;
    let [, scheme, host, port = '', rest] = advertised;
    if (NO_HOST.test(host)) host = known[2];
    if (known[1].toLowerCase() === 'wss' && host === known[2]) scheme = 'wss';
    return `${scheme}://${host}${port}${rest}`;
}

/**
 * Where the wall clock is served over WebSocket. CSS-CII names a UDP address, which no page can
 * use; if it names a WebSocket, that is taken.
 *
 * @param {?string} wcUrl what CII says
 * @param {string} ciiUrl where CII was reached
 * @returns {string} by default path /wc of the listener that serves CII
 */
export function wallClockUrl(wcUrl, ciiUrl) {
    return repairUrl(wcUrl, ciiUrl) ?? new URL('/wc', ciiUrl).href;
}

/* ---- media ----------------------------------------------------------------------------------- */

const POSITION_SAMPLES = 7;

/**
 * Where a media element is, to better than its `currentTime` tells in some browsers: the median of
 * some readings, each moved to now along the rates played since. Readings are of currentTime and of
 * video frames with the time at which they are shown; of the two, those count that agree better
 * with themselves.
 *
 * Pure: it reads no clock and knows no element.
 */
export class PositionMeter {
    #rate = 0;
    #changedMs = 0;
    #played = 0;
    #readings = { time: [], frame: [] };

    /** Forgets all readings, for when the position jumps. */
    restart() {
        this.#readings = { time: [], frame: [] };
    }

    /** The rate is another one from now on; 0 for a pause. */
    setRate(rate, localMs) {
        if (rate === this.#rate) return;
        this.#played = this.#playedAt(localMs);
        this.#changedMs = localMs;
        this.#rate = rate;
    }

    /**
     * @param {'time'|'frame'} kind
     * @param {number} position s
     * @param {number} localMs when the element was there
     */
    add(kind, position, localMs) {
        const readings = this.#readings[kind];
        readings.push(position - this.#playedAt(localMs));
        if (readings.length > POSITION_SAMPLES) readings.shift();
    }

    /** How many readings of the kind that counts there are. */
    get count() {
        return this.#readings[this.source].length;
    }

    /** Which kind counts. */
    get source() {
        const { frame } = this.#readings;
        const enough = frame.length === POSITION_SAMPLES;
        return enough && 2 * this.#spread('frame') < this.#spread('time') ? 'frame' : 'time';
    }

    /** How far the readings are apart, in s. */
    get spreadS() {
        return this.#spread(this.source);
    }

    /** @returns {number} the position in s; NaN without readings */
    positionAt(localMs) {
        const readings = this.#readings[this.source];
        return readings.length ? median(readings) + this.#playedAt(localMs) : NaN;
    }

    #playedAt(localMs) {
        return this.#played + (this.#rate * (localMs - this.#changedMs)) / 1000;
    }

    #spread(kind) {
        const readings = this.#readings[kind];
        return readings.length ? Math.max(...readings) - Math.min(...readings) : Infinity;
    }
}

/** What MediaSynchroniser goes by, unless told otherwise. Times in s. */
export const CORRECTION_DEFAULTS = Object.freeze({
    /** Errors below are left alone, at least; otherwise those below the bound are. */
    deadBandS: 0.004,
    deadBandMaxS: 0.04,
    /** Errors above are sought, at least; otherwise those above three bounds. */
    seekBandS: 0.15,
    /** What the rate may be off by, and how long a correction by rate is to take. */
    nudgeMax: 0.2,
    nudgeSpanS: 0.6,
    /** What a picture that stands still may be off by. */
    stillBandS: 0.01,
    /** How long the position is not believed after a seek or a start; time between seeks. */
    settleS: 0.25,
    seekGuardS: 0.6,
    seekGuardMaxS: 10,
    /** The rates that elements can play at. */
    rateMin: 0.0625,
    rateMax: 16,
});

const STEP_GUARD_S = 0.3;

/**
 * What to do about a media element.
 *
 * @param {object} view the element and its target, now
 * @param {boolean} view.available whether there is a target
 * @param {number} view.targetS where it should be; the rest of its times are s, too
 * @param {number} view.speed how fast that moves
 * @param {number} view.boundS how far the target may be off
 * @param {number} view.positionS where it is
 * @param {number} view.durationS Infinity if not known
 * @param {boolean} view.paused
 * @param {boolean} view.seeking
 * @param {boolean} view.ready whether it has data to play
 * @param {number} view.sinceSeekS since the last seek was begun
 * @param {number} view.sinceMoveS since the last seek or start was done
 * @param {number} view.seeksInVain seeks in a row that did not bring it near
 * @param {boolean} view.nudging whether its rate is being corrected
 * @param {number} view.seekLeadS how long seeks take, as learnt
 * @param {number} view.startLeadS how long starts take, as learnt
 * @param {object} [settings] see CORRECTION_DEFAULTS
 * @returns {{action: 'none'|'pause'|'play'|'wait'|'seek'|'rate', toS?: number, rate?: number,
 *     afterS?: number, nudging: boolean}} `wait`: ask again after that time
 */
export function decideCorrection(view, settings = CORRECTION_DEFAULTS) {
    const idle = { action: 'none', nudging: false };
    if (!view.available) return view.paused ? idle : { ...idle, action: 'pause' };
    if (view.seeking) return idle;
    const playable = view.speed >= settings.rateMin && view.speed <= settings.rateMax;
    const outside = view.targetS < 0 || view.targetS >= view.durationS;
    if (!playable || outside) return holdStill(view, settings);
    if (view.paused) return startPlaying(view, settings);
    return view.ready ? keepPlaying(view, settings) : { ...idle, nudging: view.nudging };
}

function errorOf(view) {
    return view.positionS - view.targetS;
}

function mayStillSeek(view, settings) {
    const guard = settings.seekGuardS * 2 ** Math.min(view.seeksInVain, 10);
    return view.sinceSeekS >= Math.min(guard, settings.seekGuardMaxS);
}

/* A pause, a direction that elements cannot play, or a time that the media does not have. */
function holdStill(view, settings) {
    if (!view.paused) return { action: 'pause', nudging: false };
    const toS = clamp(view.targetS, 0, view.durationS);
    const far = Math.abs(view.positionS - toS) > settings.stillBandS;
    if (!far || view.sinceSeekS < STEP_GUARD_S) return { action: 'none', nudging: false };
    return { action: 'seek', toS, nudging: false };
}

function seekAhead(view) {
    const toS = view.targetS + view.seekLeadS * view.speed;
    return { action: 'seek', toS: clamp(toS, 0, view.durationS), nudging: false };
}

function seekBand(view, settings) {
    return Math.max(settings.seekBandS, 3 * view.boundS) * Math.max(1, view.speed);
}

function startPlaying(view, settings) {
    const errorS = errorOf(view);
    if (Math.abs(errorS) > seekBand(view, settings) && mayStillSeek(view, settings))
        return seekAhead(view);
    /* It stands still: where it is ahead, it only has to wait. */
    const afterS = errorS / view.speed - view.startLeadS;
    return afterS > 0.002
        ? { action: 'wait', afterS, nudging: false }
        : { action: 'play', rate: view.speed, nudging: false };
}

function keepPlaying(view, settings) {
    const steady = { action: 'rate', rate: view.speed, nudging: false };
    if (view.sinceMoveS < settings.settleS || !Number.isFinite(view.positionS)) return steady;
    const errorS = errorOf(view);
    const size = Math.abs(errorS);
    if (size > seekBand(view, settings) && mayStillSeek(view, settings)) return seekAhead(view);
    const deadBand = clamp(view.boundS, settings.deadBandS, settings.deadBandMaxS);
    /* Once begun, a correction goes on until little is left, so that it does not flutter. */
    if (size <= (view.nudging ? deadBand / 4 : deadBand)) return steady;
    const wanted = clamp(
        errorS / view.speed / settings.nudgeSpanS,
        -settings.nudgeMax,
        settings.nudgeMax,
    );
    const rate = clamp(view.speed * (1 - wanted), settings.rateMin, settings.rateMax);
    return { action: 'rate', rate, nudging: true };
}

const TICK_MS = 100;
const LEAD_MAX_S = 5;
const LEARN_SHARE = 0.7;
/* Smaller changes of rate are not worth disturbing the sound for. */
const RATE_STEP = 0.002;
const HAVE_FUTURE_DATA = 3;

/**
 * Keeps a media element at a position that moves. It owns the element's currentTime, playbackRate,
 * play() and pause() while it runs.
 *
 * `change` comes ten times a second with new figures; `correction` with what it does
 * (`event.detail` as decideCorrection() returns it); `blocked` when the browser wants a gesture of
 * the user before anything plays: call resume() from the gesture.
 */
export class MediaSynchroniser extends EventTarget {
    #media;
    #target;
    #settings;
    #now;
    #meter = new PositionMeter();
    #timer;
    #waitTimer;
    #listeners = {};
    #frameRequest;
    #nudging = false;
    #seekBegunMs = -Infinity;
    #movedMs = -Infinity;
    #seeksInVain = 0;
    #learning = null;
    #leads = { seek: 0.05, start: 0.03 };
    #blocked = false;
    #running = false;
    #lastView = null;

    /**
     * @param {HTMLMediaElement} media
     * @param {(localMs: number) => {available: boolean, positionS: number, speed: number,
     *     boundS: number}} target where the media should be
     * @param {object} [options] members of CORRECTION_DEFAULTS, and
     * @param {number} [options.calibrationS] how long this device takes from an element's position
     *     to light and sound, compared to the TV: positive plays earlier
     * @param {() => number} [options.now] the local clock, in ms
     */
    constructor(media, target, options = {}) {
        super();
        this.#media = media;
        this.#target = target;
        this.#settings = { ...CORRECTION_DEFAULTS, ...options };
        this.#now = options.now ?? (() => performance.now());
        /** See the constructor; may be changed at any time. */
        this.calibrationS = options.calibrationS ?? 0;
        /** Seeks, starts, pauses and changes of rate so far. */
        this.counts = { seek: 0, play: 0, pause: 0, rate: 0 };
    }

    start() {
        if (this.#running) return;
        this.#running = true;
        this.#listeners = {
            seeked: () => this.#moved(),
            playing: () => this.#moved(),
            pause: () => this.#meter.restart(),
            waiting: () => this.#meter.restart(),
            ratechange: () => this.#noteRate(),
        };
        for (const [name, listener] of Object.entries(this.#listeners))
            this.#media.addEventListener(name, listener);
        this.#timer = setInterval(() => this.update(), TICK_MS);
        this.#nextFrame();
        this.update();
    }

    /** Leaves the element as it is. */
    stop() {
        this.#running = false;
        clearInterval(this.#timer);
        clearTimeout(this.#waitTimer);
        for (const [name, listener] of Object.entries(this.#listeners))
            this.#media.removeEventListener(name, listener);
        if (this.#frameRequest) this.#media.cancelVideoFrameCallback(this.#frameRequest);
    }

    /** For a user's gesture after `blocked`. */
    resume() {
        this.#blocked = false;
        this.update();
    }

    /**
     * @returns {{errorS: number, boundS: number, spreadS: number, positionS: number, targetS:
     *     number, rate: number, nudging: boolean, seekLeadS: number, startLeadS: number, source:
     *     string}} `errorS` is positive if the media is ahead of the TV; NaN if that is not known
     */
    status() {
        const view = this.#lastView ?? { positionS: NaN, targetS: NaN, boundS: Infinity };
        return {
            errorS: view.seeking ? NaN : view.positionS - view.targetS,
            boundS: view.boundS,
            spreadS: this.#meter.spreadS,
            positionS: view.positionS,
            targetS: view.targetS,
            rate: this.#media.playbackRate,
            nudging: this.#nudging,
            seekLeadS: this.#leads.seek,
            startLeadS: this.#leads.start,
            source: this.#meter.source,
        };
    }

    /** Looks at once, for when the target has changed. */
    update() {
        if (!this.#running) return;
        clearTimeout(this.#waitTimer);
        const view = this.#look(this.#now());
        this.#learn(view);
        this.#lastView = view;
        const leads = { seekLeadS: this.#leads.seek, startLeadS: this.#leads.start };
        const decision = decideCorrection({ ...view, ...leads }, this.#settings);
        this.#nudging = decision.nudging;
        this.#act(decision, view);
        this.dispatchEvent(new DetailEvent('change', this.status()));
    }

    #look(nowMs) {
        const media = this.#media;
        const { available, positionS, speed, boundS } = this.#target(nowMs);
        const ready = media.readyState >= HAVE_FUTURE_DATA;
        this.#noteRate();
        if (!media.seeking && (ready || media.paused))
            this.#meter.add('time', media.currentTime, nowMs);
        return {
            available: available && media.readyState > 0,
            targetS: positionS + this.calibrationS * speed,
            speed,
            boundS: boundS * Math.abs(speed),
            positionS: media.paused ? media.currentTime : this.#meter.positionAt(nowMs),
            durationS: Number.isFinite(media.duration) ? media.duration : Infinity,
            paused: media.paused || media.ended,
            seeking: media.seeking,
            ready,
            sinceSeekS: (nowMs - this.#seekBegunMs) / 1000,
            sinceMoveS: (nowMs - this.#movedMs) / 1000,
            seeksInVain: this.#seeksInVain,
            nudging: this.#nudging,
        };
    }

    /* A seek or a start took as long as the error is less than the one that it began with. */
    #learn(view) {
        if (!this.#learning || view.seeking || view.paused || !view.ready) return;
        if (view.sinceMoveS < this.#settings.settleS || this.#meter.count < 3) return;
        const { kind, beganWithS } = this.#learning;
        const errorS = errorOf(view);
        const tookS = (beganWithS - errorS) / view.speed;
        this.#learning = null;
        if (!(Math.abs(tookS) < LEAD_MAX_S)) return;
        const known = this.#leads[kind];
        this.#leads[kind] = Math.max(0, known + LEARN_SHARE * (tookS - known));
        this.#seeksInVain =
            Math.abs(errorS) > seekBand(view, this.#settings) ? this.#seeksInVain + 1 : 0;
    }

    #act(decision, view) {
        const acts = {
            pause: () => this.#pause(),
            play: () => this.#play(decision.rate, view),
            wait: () => this.#wait(decision.afterS),
            seek: () => this.#seek(decision.toS, view),
            rate: () => this.#setRate(decision.rate),
        };
        acts[decision.action]?.();
    }

    #did(action, detail) {
        this.counts[action]++;
        this.dispatchEvent(new DetailEvent('correction', { action, ...detail }));
    }

    #pause() {
        this.#media.pause();
        this.#did('pause', {});
    }

    #play(rate, view) {
        if (this.#blocked) return;
        this.#media.playbackRate = rate;
        this.#learning = { kind: 'start', beganWithS: errorOf(view) };
        /* It moves when it says so, and not before. */
        this.#movedMs = Infinity;
        this.#did('play', { rate });
        this.#media.play().catch((error) => {
            if (error.name !== 'NotAllowedError') return;
            this.#blocked = true;
            this.dispatchEvent(new DetailEvent('blocked', {}));
        });
    }

    #wait(afterS) {
        if (afterS * 1000 < TICK_MS)
            this.#waitTimer = setTimeout(() => this.update(), afterS * 1000);
    }

    #seek(toS, view) {
        this.#seekBegunMs = this.#now();
        const moving = view.speed > 0 && !view.paused;
        this.#learning = moving ? { kind: 'seek', beganWithS: toS - view.targetS } : null;
        this.#meter.restart();
        this.#media.currentTime = toS;
        this.#did('seek', { toS });
    }

    #setRate(rate) {
        const media = this.#media;
        const exact = !this.#nudging && media.playbackRate !== rate;
        if (!exact && Math.abs(media.playbackRate - rate) < RATE_STEP * rate) return;
        media.playbackRate = rate;
        this.#noteRate();
        this.#did('rate', { rate });
    }

    #noteRate() {
        const { paused, playbackRate } = this.#media;
        this.#meter.setRate(paused ? 0 : playbackRate, this.#now());
    }

    #moved() {
        this.#movedMs = this.#now();
        this.#meter.restart();
        this.#noteRate();
        this.update();
    }

    #nextFrame() {
        if (!this.#running || !this.#media.requestVideoFrameCallback) return;
        this.#frameRequest = this.#media.requestVideoFrameCallback((_, frame) => {
            if (!this.#media.paused && !this.#media.seeking)
                this.#meter.add('frame', frame.mediaTime, frame.expectedDisplayTime);
            this.#nextFrame();
        });
    }
}

/* ---- all together ---------------------------------------------------------------------------- */

const REPORT_MS = 2000;

/**
 * Follows a TV: from the URL of its CSS-CII endpoint to a media element that plays in step.
 *
 * `change` comes when anything that status() tells may have changed, ten times a second while media
 * plays; `content` when the TV presents another content; `timeline` when its position does not go
 * on as before, with the detail of TimelineClock; `blocked` and `correction` as in
 * MediaSynchroniser.
 */
export class Synchroniser extends EventTarget {
    #options;
    #ts = null;
    #media = null;
    #selected = null;
    #running = false;
    #reportTimer;

    /**
     * @param {string} ciiUrl ws: or wss:
     * @param {object} [options]
     * @param {HTMLMediaElement} [options.media] what to keep in step; positionAt() is there without
     *     it
     * @param {string} [options.timelineSelector] which timeline; else the first that the TV offers,
     *     or PTS
     * @param {number} [options.tickRate] of it; else as the selector or the TV says
     * @param {string} [options.contentIdStem] for which contents the media is right; "" is any
     * @param {number} [options.originTicks] the timeline's ticks at the media's begin
     * @param {number} [options.calibrationS] see MediaSynchroniser
     * @param {string} [options.wcUrl] the wall clock over WebSocket; else see wallClockUrl()
     * @param {'binary'|'json'} [options.wcFormat]
     * @param {object} [options.correction] see CORRECTION_DEFAULTS
     * @param {typeof WebSocket} [options.WebSocket]
     * @throws {TypeError} if `ciiUrl` is no URL
     */
    constructor(ciiUrl, options = {}) {
        super();
        this.#options = options;
        const { WebSocket, wcFormat } = options;
        /** Two of the parts, for those who want more of them. */
        this.cii = new CiiClient(ciiUrl, { WebSocket });
        this.wallClock = new WallClock(options.wcUrl ?? wallClockUrl(null, ciiUrl), {
            WebSocket,
            format: wcFormat,
        });
        /** The timeline's ticks at the media's begin; may be changed. */
        this.originTicks = options.originTicks ?? 0;
        this.cii.addEventListener('change', (event) => this.#followCii(event.detail.changed));
        for (const part of [this.cii, this.wallClock])
            part.addEventListener('state', () => this.#changed());
        this.wallClock.addEventListener('jump', () => this.#media?.update());
        this.wallClock.addEventListener('change', () => this.#changed());
        if (options.media) this.attach(options.media);
    }

    /** The TsClient, or null until the TV names its endpoint. */
    get ts() {
        return this.#ts;
    }

    /** The MediaSynchroniser, or null. */
    get media() {
        return this.#media;
    }

    start() {
        this.#running = true;
        this.cii.start();
        this.wallClock.start();
        this.#ts?.start();
        this.#media?.start();
        clearInterval(this.#reportTimer);
        this.#reportTimer = setInterval(() => {
            if (this.#media) this.report(this.#media.status().errorS);
        }, REPORT_MS);
    }

    stop() {
        this.#running = false;
        clearInterval(this.#reportTimer);
        this.#media?.stop();
        this.#ts?.stop();
        this.wallClock.stop();
        this.cii.stop();
    }

    /** Keeps another element in step from now on; it has its source already or gets it later. */
    attach(element) {
        this.detach();
        this.#media = new MediaSynchroniser(element, (localMs) => this.positionAt(localMs), {
            ...this.#options.correction,
            calibrationS: this.#options.calibrationS,
        });
        this.#media.addEventListener('change', () => this.#changed());
        for (const name of ['blocked', 'correction'])
            this.#media.addEventListener(name, ({ detail }) =>
                this.dispatchEvent(new DetailEvent(name, detail)),
            );
        if (this.#running) this.#media.start();
    }

    /** Leaves the element to itself. */
    detach() {
        this.#media?.stop();
        this.#media = null;
    }

    /**
     * Where the programme is on the TV.
     *
     * @param {number} localMs
     * @returns {{available: boolean, positionS: number, speed: number, boundS: number}} s since
     *     `originTicks`; `boundS` is how far the wall clock may be off
     */
    positionAt(localMs) {
        const timeline = this.#ts?.timeline;
        if (!timeline?.available || !this.wallClock.available)
            return { available: false, positionS: NaN, speed: 0, boundS: Infinity };
        const ticks = timeline.ticksAt(this.wallClock.wallAt(localMs)) - this.originTicks;
        return {
            available: true,
            positionS: unwrapped(ticks, this.#selected.wrapTicks) / timeline.tickRate,
            speed: timeline.speed,
            boundS: this.wallClock.boundAt(localMs) / NS_PER_S,
        };
    }

    /**
     * Tells the TV what is presented. It is done for media every other second; for what a page
     * draws or plays by itself, the page does it.
     *
     * @param {number} errorS how far ahead of the TV that is; NaN if it is not known
     * @returns {boolean} whether it was told
     */
    report(errorS) {
        const timeline = this.#ts?.timeline;
        if (!timeline?.available || !this.wallClock.available || !Number.isFinite(errorS))
            return false;
        const wallNs = this.wallClock.now();
        const ticks = timeline.ticksAt(wallNs) + errorS * timeline.tickRate;
        /* A file can be presented at any time: only the actual time says something. */
        return this.#ts.report({
            actual: { ticks, wallNs },
            earliest: { ticks, wallNs: -Infinity },
            latest: { ticks, wallNs: Infinity },
        });
    }

    /** Everything at a glance, for showing. */
    status() {
        return {
            cii: this.cii.state,
            wallClock: this.wallClock.state,
            ts: this.#ts?.state ?? 'stopped',
            contentId: this.cii.cii.contentId ?? null,
            presentationStatus: this.cii.cii.presentationStatus ?? null,
            timelineSelector: this.#selected?.timelineSelector ?? null,
            boundS: this.wallClock.boundAt() / NS_PER_S,
            roundTripMs: this.wallClock.roundTripMs,
            frequencyPpm: this.wallClock.frequencyPpm,
            ...this.positionAt(performance.now()),
            media: this.#media?.status() ?? null,
        };
    }

    #changed() {
        this.dispatchEvent(new DetailEvent('change', {}));
    }

    #followCii(changed) {
        if (!this.#options.wcUrl)
            this.wallClock.url = wallClockUrl(this.cii.cii.wcUrl, this.cii.url);
        if (changed.includes('tsUrl') || changed.includes('timelines')) this.#followTs();
        if (changed.includes('contentId')) this.dispatchEvent(new DetailEvent('content', {}));
        this.#changed();
    }

    #select() {
        const offered = this.cii.cii.timelines ?? [];
        const timelineSelector =
            this.#options.timelineSelector ?? offered[0]?.timelineSelector ?? PTS_SELECTOR;
        const own = parseSelector(timelineSelector);
        const told = offered.find((item) => item.timelineSelector === timelineSelector)?.tickRate;
        const tickRate = [this.#options.tickRate, own.tickRate, told].find((rate) => rate > 0);
        return { timelineSelector, tickRate, wrapTicks: own.wrapTicks };
    }

    /* Connects to the timeline that is wanted, if that is another one than before. */
    #followTs() {
        const url = repairUrl(this.cii.cii.tsUrl, this.cii.url);
        const selected = this.#select();
        const same = JSON.stringify(selected) === JSON.stringify(this.#selected);
        if (this.#ts && same && url === this.#ts.url) return;
        this.#ts?.stop();
        this.#ts = null;
        this.#selected = selected;
        if (!url || !selected.tickRate) return;
        const { contentIdStem, WebSocket } = this.#options;
        this.#ts = new TsClient(url, { ...selected, contentIdStem, WebSocket });
        this.#ts.addEventListener('change', ({ detail }) => {
            this.#media?.update();
            this.dispatchEvent(new DetailEvent('timeline', detail));
            this.#changed();
        });
        this.#ts.addEventListener('state', () => this.#changed());
        this.#ts.start();
    }
}

/* The nearest to zero of what a timeline that wraps round may mean. */
function unwrapped(ticks, wrapTicks) {
    return wrapTicks ? ticks - wrapTicks * Math.round(ticks / wrapTicks) : ticks;
}
