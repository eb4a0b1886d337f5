/**
 * The television itself, without its looks: tells companions over the page channel what is presented
 * and where it is, for as long as the channel lasts.
 */
import { PTS_SELECTOR } from '../dvbcss.js';
import { LineTeller } from './teller.js';

const LOOK_EVERY_MS = 200;
/* When a programme starts or jumps, where it is shows only from some readings on. */
const LOOK_AGAIN_MS = 400;

/** The timelines that this television offers: ticks per second by selector. */
export const TIMELINES = new Map([
    [PTS_SELECTOR, 90000],
    ['urn:dvb:css:timeline:mpd:period:rel:1000', 1000],
]);

function timelinesOfCii() {
    return [...TIMELINES].map(([timelineSelector, unitsPerSecond]) => ({
        timelineSelector,
        timelineProperties: { unitsPerTick: 1, unitsPerSecond },
    }));
}

/* The line as control timestamps of every timeline. */
function controlTimestamps({ available, positionS, speed, wallNs }) {
    const at = String(Math.round(wallNs));
    const told = [...TIMELINES].map(([selector, rate]) => [
        selector,
        {
            contentTime: available ? String(Math.round(positionS * rate)) : null,
            wallClockTime: at,
            timelineSpeedMultiplier: available ? speed : null,
        },
    ]);
    return Object.fromEntries(told);
}

export class Television {
    #channel;
    #player = null;
    #cii = { contentId: null, contentIdStatus: 'final', presentationStatus: 'okay' };
    #lookAgain;
    #changed = () => this.#playerChanged();

    constructor(channel) {
        this.#channel = channel;
        /** What companions were told. */
        this.teller = new LineTeller();
        channel.addEventListener('ready', () => this.#tellAll());
        setInterval(() => this.#look(), LOOK_EVERY_MS);
    }

    get cii() {
        return this.#cii;
    }

    /** Presents another programme: companions are told of content and timelines in one step. */
    present(player, contentId) {
        const change = { contentId, contentIdStatus: 'final' };
        this.#player?.removeEventListener('change', this.#changed);
        this.#player = player;
        player.addEventListener('change', this.#changed);
        this.#cii = { ...this.#cii, ...change };
        this.teller.reset();
        this.#look({ cii: change });
    }

    /** Changes some of what CII says. */
    describe(change) {
        this.#cii = { ...this.#cii, ...change };
        if (this.#channel.ready) this.#channel.say({ cii: change });
    }

    #tellAll() {
        this.teller.reset();
        this.#look({ cii: { ...this.#cii, timelines: timelinesOfCii() } });
    }

    #playerChanged() {
        this.#look();
        clearTimeout(this.#lookAgain);
        this.#lookAgain = setTimeout(() => this.#look(), LOOK_AGAIN_MS);
    }

    /* Tells companions what they have to know; what is said along with it goes if the line does,
     * as it does after a reset. */
    #look(more) {
        if (!this.#channel.ready || !this.#player) return;
        const nowMs = performance.now();
        const line = this.teller.look(this.#player.view(nowMs), this.#channel.wallAt(nowMs));
        if (line) this.#channel.say({ ...more, controlTimestamps: controlTimestamps(line) });
    }
}
