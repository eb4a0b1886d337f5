/**
 * The test pattern: a flash and a beep at each whole second, with the position as text, for whoever
 * presents it (the TV page and companions draw the same from the same position).
 *
 * Nothing here flashes more than once a second, and the flash covers a part of the picture.
 */

/** What CII calls the pattern. */
export const PATTERN_CONTENT_ID = 'urn:dvbcss:test-pattern';

/** How long it is, in s. */
export const PATTERN_DURATION_S = 3600;

const FLASH_S = 0.08;
const BEEP_S = 0.08;
const BEEP_HZ = 1000;
const FADE_S = 0.005;
/* How far ahead beeps are planned, and how often. */
const AHEAD_S = 0.4;
const PLAN_EVERY_MS = 100;

/* One box for each second of ten: the lit one says by which second two screens differ. */
function drawSeconds(context, positionS, width, height) {
    const lit = Math.floor(positionS) % 10;
    const box = width / 10;
    for (let i = 0; i < 10; i++) {
        context.fillStyle = i === lit ? '#8fb5ff' : '#1d2632';
        context.fillRect(i * box + 3, height * 0.95, box - 6, height * 0.025);
    }
}

function timecode(positionS) {
    const ms = Math.max(0, Math.floor(positionS * 1000));
    const two = (number) => String(number).padStart(2, '0');
    const seconds = Math.floor(ms / 1000);
    const front = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}`;
    return `${front}:${two(seconds % 60)}.${String(ms % 1000).padStart(3, '0')}`;
}

/** Whether the flash is lit at a position. */
export function isFlash(positionS) {
    return positionS - Math.floor(positionS) < FLASH_S;
}

function drawDial(context, x, y, radius, positionS) {
    const turn = positionS - Math.floor(positionS);
    const angle = turn * 2 * Math.PI - Math.PI / 2;
    context.lineWidth = radius / 12;
    context.strokeStyle = '#3b4a60';
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
    context.strokeStyle = '#8fb5ff';
    context.beginPath();
    context.arc(x, y, radius, -Math.PI / 2, angle);
    context.stroke();
    context.fillStyle = isFlash(positionS) ? '#ffffff' : '#1d2632';
    context.beginPath();
    context.arc(x, y, radius * 0.72, 0, 2 * Math.PI);
    context.fill();
}

/**
 * Draws the pattern for a position.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} positionS
 * @param {string} label a line of text below the position
 */
export function drawPattern(canvas, positionS, label) {
    const context = canvas.getContext('2d');
    const { width, height } = canvas;
    context.fillStyle = '#0b1018';
    context.fillRect(0, 0, width, height);
    drawDial(context, width / 2, height * 0.38, height * 0.24, positionS);
    context.textAlign = 'center';
    context.fillStyle = '#ffffff';
    context.font = `600 ${Math.round(height * 0.13)}px ui-monospace, "DejaVu Sans Mono", monospace`;
    context.fillText(timecode(positionS), width / 2, height * 0.82);
    context.fillStyle = '#a5b1c2';
    context.font = `${Math.round(height * 0.05)}px system-ui, "DejaVu Sans", sans-serif`;
    context.fillText(label, width / 2, height * 0.91);
    drawSeconds(context, positionS, width, height);
}

/**
 * Beeps at each whole second of a line, as it is heard: the delay of the sound device is allowed for.
 * Needs a gesture of the user before start(), as browsers have it.
 */
export class Beeper {
    #context = null;
    #planned = new Map();
    #timer;
    #line;

    /** @param {() => {positionS: number, speed: number}} line where the programme is now */
    constructor(line) {
        this.#line = line;
    }

    start() {
        this.#context ??= new AudioContext();
        this.#context.resume();
        clearInterval(this.#timer);
        this.#timer = setInterval(() => this.#plan(), PLAN_EVERY_MS);
    }

    stop() {
        clearInterval(this.#timer);
        this.replan();
    }

    /** Takes back what is planned, for when the line is another one. */
    replan() {
        for (const sound of this.#planned.values()) sound.stop();
        this.#planned.clear();
    }

    /* The sound device's time at a time of performance.now(): when what is played then is heard. */
    #deviceTime(localMs) {
        const { contextTime, performanceTime } = this.#context.getOutputTimestamp();
        if (!performanceTime) return this.#context.currentTime;
        return contextTime + (localMs - performanceTime) / 1000;
    }

    #plan() {
        const { positionS, speed } = this.#line();
        const nowMs = performance.now();
        if (speed <= 0) return;
        for (let second = Math.ceil(positionS); second < positionS + AHEAD_S * speed; second++) {
            if (this.#planned.has(second)) continue;
            const at = this.#deviceTime(nowMs + ((second - positionS) / speed) * 1000);
            this.#planned.set(second, this.#beep(at));
        }
        for (const second of this.#planned.keys())
            if (second < positionS - 1) this.#planned.delete(second);
    }

    #beep(at) {
        const tone = new OscillatorNode(this.#context, { frequency: BEEP_HZ });
        const gain = new GainNode(this.#context, { gain: 0 });
        gain.gain.setValueAtTime(0, at);
        gain.gain.linearRampToValueAtTime(0.3, at + FADE_S);
        gain.gain.setValueAtTime(0.3, at + BEEP_S - FADE_S);
        gain.gain.linearRampToValueAtTime(0, at + BEEP_S);
        tone.connect(gain).connect(this.#context.destination);
        tone.start(at);
        tone.stop(at + BEEP_S);
        return tone;
    }
}
