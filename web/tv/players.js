/**
 * What the television can play. Every player has
 *   view(nowMs)   {available, positionS, speed}: where it is now, as well as can be told
 *   durationS     NaN while it is not known
 *   playing       whether it is meant to play
 *   play(), pause(), seek(s), setSpeed(x), show(), hide()
 * and dispatches `change` when it has left its line, and `problem` with a text in `event.detail`.
 */
import { PositionMeter } from '../dvbcss.js';
import { speedText } from '../lib/format.js';
import { Beeper, drawPattern, PATTERN_DURATION_S } from '../lib/pattern.js';

const HAVE_FUTURE_DATA = 3;
const READ_EVERY_MS = 50;
/* What is drawn now is seen with the next frame. */
const FRAME_MS = 1000 / 60;

function problem(text) {
    return new CustomEvent('problem', { detail: text });
}

/* ---- the test pattern --------------------------------------------------------------------------- */

export class PatternPlayer extends EventTarget {
    #canvas;
    #line = { positionS: 0, speed: 0, atMs: 0 };
    #speed = 1;
    #shown = false;
    #sound = false;
    #beeper = new Beeper(() => this.view(performance.now()));

    constructor(canvas) {
        super();
        this.#canvas = canvas;
        this.durationS = PATTERN_DURATION_S;
    }

    view(nowMs) {
        const { positionS, speed, atMs } = this.#line;
        const now = positionS + (speed * (nowMs - atMs)) / 1000;
        if (now < this.durationS) return { available: true, positionS: Math.max(0, now), speed };
        return { available: true, positionS: this.durationS, speed: 0 };
    }

    get playing() {
        return this.#line.speed !== 0;
    }

    play() {
        this.#bend({ speed: this.#speed });
    }

    pause() {
        this.#bend({ speed: 0 });
    }

    seek(positionS) {
        this.#bend({ positionS: Math.min(Math.max(positionS, 0), this.durationS) });
    }

    setSpeed(speed) {
        this.#speed = speed;
        if (this.playing) this.#bend({ speed });
    }

    /** Whether it beeps; needs a gesture of the user. */
    set sound(on) {
        this.#sound = on;
        if (on && this.#shown) this.#beeper.start();
        else this.#beeper.stop();
    }

    show() {
        this.#shown = true;
        this.#canvas.hidden = false;
        this.sound = this.#sound;
        this.#draw();
    }

    hide() {
        this.#shown = false;
        this.#canvas.hidden = true;
        this.#beeper.stop();
        this.#bend({ speed: 0 });
    }

    #bend(change) {
        const atMs = performance.now();
        const { positionS, speed } = this.view(atMs);
        this.#line = { positionS, speed, atMs, ...change };
        this.#beeper.replan();
        this.dispatchEvent(new Event('change'));
    }

    #draw() {
        requestAnimationFrame((frameMs) => {
            if (!this.#shown) return;
            const { positionS, speed } = this.view(frameMs + FRAME_MS);
            drawPattern(this.#canvas, positionS, speedText(speed));
            this.#draw();
        });
    }
}

/* ---- video and audio ---------------------------------------------------------------------------- */

export class MediaPlayer extends EventTarget {
    #media;
    #meter = new PositionMeter();
    #objectUrl = null;

    constructor(media) {
        super();
        this.#media = media;
        const changed = () => this.#changed();
        for (const event of ['playing', 'pause', 'ratechange', 'seeked', 'loadedmetadata', 'ended'])
            media.addEventListener(event, changed);
        for (const event of ['seeking', 'waiting', 'emptied']) media.addEventListener(event, changed);
        media.addEventListener('error', () =>
            this.dispatchEvent(problem('This browser cannot play that.')),
        );
        setInterval(() => this.#read(), READ_EVERY_MS);
        this.#nextFrame();
    }

    /** Takes the URL of a file, or a File that the user picked. */
    load(source) {
        URL.revokeObjectURL(this.#objectUrl);
        this.#objectUrl = source instanceof File ? URL.createObjectURL(source) : null;
        this.#media.src = this.#objectUrl ?? source;
    }

    view(nowMs) {
        const media = this.#media;
        const available = media.readyState > 0 && !media.error;
        if (!this.#runs()) return { available, positionS: media.currentTime, speed: 0 };
        const measured = this.#meter.positionAt(nowMs);
        const positionS = Number.isFinite(measured) ? measured : media.currentTime;
        return { available, positionS, speed: media.playbackRate };
    }

    get durationS() {
        return this.#media.duration;
    }

    get playing() {
        return !this.#media.paused && !this.#media.ended;
    }

    play() {
        this.#media.play().catch((error) => {
            if (error.name === 'NotAllowedError')
                this.dispatchEvent(problem('This browser wants you to press Play.'));
        });
    }

    pause() {
        this.#media.pause();
    }

    seek(positionS) {
        this.#media.currentTime = positionS;
    }

    setSpeed(speed) {
        this.#media.defaultPlaybackRate = speed;
        this.#media.playbackRate = speed;
    }

    set sound(on) {
        this.#media.muted = !on;
    }

    show() {
        this.#media.hidden = false;
    }

    hide() {
        this.#media.hidden = true;
        this.#media.pause();
        this.#media.removeAttribute('src');
        this.#media.load();
    }

    /* Whether pictures move: it is not enough to be told to play. */
    #runs() {
        const media = this.#media;
        return this.playing && !media.seeking && media.readyState >= HAVE_FUTURE_DATA;
    }

    #changed() {
        this.#meter.restart();
        this.#noteRate();
        this.#read();
        this.dispatchEvent(new Event('change'));
    }

    #noteRate() {
        this.#meter.setRate(this.#runs() ? this.#media.playbackRate : 0, performance.now());
    }

    #read() {
        this.#noteRate();
        if (this.#runs()) this.#meter.add('time', this.#media.currentTime, performance.now());
    }

    #nextFrame() {
        this.#media.requestVideoFrameCallback?.((_, frame) => {
            if (this.#runs()) this.#meter.add('frame', frame.mediaTime, frame.expectedDisplayTime);
            this.#nextFrame();
        });
    }
}
