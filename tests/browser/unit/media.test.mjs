/* Keeping media in step: decisions, measurement, and both in a loop with an element that has the
 * habits of real ones. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { dvbcss } from './library.mjs';
import { distributions, seeded } from './random.mjs';

const { decideCorrection, MediaSynchroniser, PositionMeter } = dvbcss;

const PLAYING = {
    available: true,
    targetS: 100,
    speed: 1,
    boundS: 0.001,
    positionS: 100,
    durationS: 600,
    paused: false,
    seeking: false,
    ready: true,
    sinceSeekS: 60,
    sinceMoveS: 60,
    seeksInVain: 0,
    nudging: false,
    seekLeadS: 0.1,
    startLeadS: 0.03,
};

const decide = (view) => decideCorrection({ ...PLAYING, ...view });

describe('what to do about an element', () => {
    it('is nothing but the speed of the TV while the error is within the dead band', () => {
        assert.deepEqual(decide({ positionS: 100.003 }), {
            action: 'rate',
            rate: 1,
            nudging: false,
        });
        assert.equal(decide({ speed: 1.5 }).rate, 1.5);
    });

    it('is a nudge against the error outside of it, until a quarter of the band is left', () => {
        assert.ok(decide({ positionS: 100.01 }).rate < 1);
        assert.ok(decide({ positionS: 99.99 }).rate > 1);
        assert.equal(decide({ positionS: 100.002, nudging: true }).nudging, true);
        assert.equal(decide({ positionS: 100.0009, nudging: true }).nudging, false);
    });

    it('has a dead band that follows the bound', () => {
        assert.equal(decide({ positionS: 100.015, boundS: 0.02 }).nudging, false);
        assert.equal(decide({ positionS: 100.05, boundS: 5 }).nudging, true);
    });

    it('never is a nudge of more than 20 %', () => {
        assert.ok(Math.abs(decide({ positionS: 100.149 }).rate - 0.8) < 1e-9);
        assert.ok(Math.abs(decide({ positionS: 99.851 }).rate - 1.2) < 1e-9);
    });

    it('is a seek ahead by what seeks take for large errors', () => {
        assert.deepEqual(decide({ positionS: 90 }), { action: 'seek', toS: 100.1, nudging: false });
        assert.equal(decide({ positionS: 90, speed: 2 }).toS, 100.2);
    });

    it('is no seek during another, nor soon after, and ever later if they are in vain', () => {
        assert.equal(decide({ positionS: 90, seeking: true }).action, 'none');
        assert.equal(decide({ positionS: 90, sinceSeekS: 0.5 }).action, 'rate');
        assert.equal(decide({ positionS: 90, sinceSeekS: 2, seeksInVain: 2 }).action, 'rate');
        assert.equal(decide({ positionS: 90, sinceSeekS: 10.1, seeksInVain: 99 }).action, 'seek');
    });

    it('does not believe the position right after a seek, nor while there is no data', () => {
        assert.equal(decide({ positionS: 90, sinceMoveS: 0.1 }).action, 'rate');
        assert.equal(decide({ positionS: 90, ready: false }).action, 'none');
        assert.equal(decide({ positionS: NaN }).action, 'rate');
    });

    it('is a pause, then the exact picture, when the TV pauses', () => {
        assert.equal(decide({ speed: 0 }).action, 'pause');
        const paused = { speed: 0, paused: true };
        assert.equal(decide({ ...paused, positionS: 100.009 }).action, 'none');
        assert.deepEqual(decide({ ...paused, positionS: 100.1 }), {
            action: 'seek',
            toS: 100,
            nudging: false,
        });
    });

    it('is to play when the TV does, as late as the element is ahead', () => {
        assert.equal(decide({ paused: true }).action, 'play');
        const { action, afterS } = decide({ paused: true, positionS: 100.08 });
        assert.equal(action, 'wait');
        assert.ok(Math.abs(afterS - 0.05) < 1e-9);
        assert.equal(decide({ paused: true, positionS: 90 }).action, 'seek');
    });

    it('is to stand still at the edge of what the media has', () => {
        assert.equal(decide({ targetS: 700 }).action, 'pause');
        assert.equal(decide({ targetS: 700, paused: true, positionS: 300 }).toS, 600);
        assert.equal(decide({ targetS: -3, paused: true, positionS: 300 }).toS, 0);
        assert.equal(decide({ targetS: -3, paused: true, positionS: 0 }).action, 'none');
    });

    it('is to show pictures at speeds that no element can play', () => {
        for (const speed of [-1, 0.01, 40])
            assert.equal(decide({ speed, paused: true, positionS: 90 }).action, 'seek', `${speed}`);
    });

    it('is a pause when the timeline is lost, and nothing after that', () => {
        assert.equal(decide({ available: false }).action, 'pause');
        assert.equal(decide({ available: false, paused: true }).action, 'none');
    });
});

describe('measuring a position', () => {
    it('moves readings to now along the rates that were played', () => {
        const meter = new PositionMeter();
        meter.setRate(1, 0);
        meter.add('time', 5, 0);
        meter.setRate(2, 1000);
        assert.equal(meter.positionAt(2000), 8);
        meter.setRate(0, 2000);
        assert.equal(meter.positionAt(9000), 8);
    });

    it('is not led astray by single readings', () => {
        const meter = new PositionMeter();
        meter.setRate(1, 0);
        for (let i = 0; i < 7; i++) meter.add('time', 5 + i / 10 + (i === 3 ? 0.3 : 0), i * 100);
        assert.ok(Math.abs(meter.positionAt(1000) - 6) < 1e-9);
    });

    it('goes by frames where currentTime is coarse, else by currentTime', () => {
        for (const grain of [0.25, 0.000001]) {
            const meter = new PositionMeter();
            meter.setRate(1, 0);
            for (let i = 0; i < 7; i++) {
                const s = i * 0.11;
                meter.add('time', Math.floor(s / grain) * grain, s * 1000);
                meter.add('frame', s - (i % 2) * 0.01, s * 1000);
            }
            assert.equal(meter.source, grain === 0.25 ? 'frame' : 'time');
        }
    });

    it('knows nothing without readings', () => {
        const meter = new PositionMeter();
        assert.ok(Number.isNaN(meter.positionAt(0)));
        meter.add('time', 1, 0);
        meter.restart();
        assert.equal(meter.count, 0);
    });
});

/*
 * An element on a virtual clock: seeks and starts take their time, its clock is off by some ppm,
 * and currentTime may be coarse.
 */
class FakeMedia extends EventTarget {
    constructor({ seed = 1, seekMs = 80, startMs = 25, ppm = 30, grainS = 0 } = {}) {
        super();
        this.d = distributions(seeded(seed));
        Object.assign(this, { seekMs, startMs, ppm, grainS });
        this.nowMs = 0;
        this.position = 0;
        this.movingFromMs = Infinity;
        this.rate = 1;
        this.paused = true;
        this.seeking = false;
        this.ended = false;
        this.readyState = 4;
        this.duration = 600;
        this.events = [];
    }

    /* The true position, which is not rounded. */
    get truth() {
        return this.position;
    }

    get currentTime() {
        return this.grainS ? Math.floor(this.position / this.grainS) * this.grainS : this.position;
    }

    set currentTime(s) {
        this.position = s;
        this.seeking = true;
        this.#later(this.seekMs + this.d.exponential(10), () => {
            this.seeking = false;
            this.#fire('seeked');
            if (!this.paused) this.#begin(0);
        });
        this.movingFromMs = Infinity;
    }

    get playbackRate() {
        return this.rate;
    }

    set playbackRate(rate) {
        this.rate = rate;
        this.#fire('ratechange');
    }

    play() {
        this.paused = false;
        this.#begin(this.startMs + this.d.exponential(5));
        return Promise.resolve();
    }

    pause() {
        this.paused = true;
        this.movingFromMs = Infinity;
        this.#fire('pause');
    }

    #begin(afterMs) {
        this.#later(afterMs, () => {
            if (this.paused || this.seeking) return;
            this.movingFromMs = this.nowMs;
            this.#fire('playing');
        });
    }

    #later(ms, action) {
        this.events.push({ atMs: this.nowMs + ms, action });
    }

    #fire(name) {
        this.dispatchEvent(new Event(name));
    }

    /* Lets 1 ms pass. */
    tick() {
        this.nowMs += 1;
        if (this.nowMs > this.movingFromMs)
            this.position += 1e-3 * this.rate * (1 + this.ppm * 1e-6);
        const due = this.events.filter((event) => event.atMs <= this.nowMs);
        this.events = this.events.filter((event) => event.atMs > this.nowMs);
        for (const { action } of due) action();
    }
}

/* Plays a script of changes of the TV and returns the errors at each ms. */
function play(script, { seconds = 20, boundS = 0.001, ...habits } = {}) {
    const media = new FakeMedia(habits);
    const line = { atMs: 0, positionS: 0, speed: 1, available: true };
    const target = (ms) => ({
        available: line.available,
        positionS: line.positionS + (line.speed * (ms - line.atMs)) / 1000,
        speed: line.speed,
        boundS,
    });
    const synchroniser = new MediaSynchroniser(media, target, { now: () => media.nowMs });
    const errors = [];
    synchroniser.start();
    for (let ms = 0; ms < seconds * 1000; ms++) {
        media.tick();
        const change = script[ms];
        if (change) {
            Object.assign(line, { ...target(ms), atMs: ms }, change);
            synchroniser.update();
        }
        if (ms % 100 === 0) synchroniser.update();
        errors.push(media.seeking ? NaN : media.truth - target(media.nowMs).positionS);
    }
    synchroniser.stop();
    return { errors, synchroniser, media };
}

function worst(errors, fromMs, toMs) {
    return Math.max(...errors.slice(fromMs, toMs).map((error) => Math.abs(error)));
}

describe('an element in the loop', () => {
    const script = {
        5000: { speed: 0 },
        8000: { speed: 1 },
        11000: { positionS: 300 },
        15000: { speed: 1.25 },
    };

    for (const habits of [
        {},
        { seekMs: 400, startMs: 120, ppm: -100 },
        { grainS: 0.04 },
        { seed: 7, seekMs: 20, startMs: 5, ppm: 300 },
    ])
        it(`is back within 40 ms in 3 s after each change: ${JSON.stringify(habits)}`, () => {
            const { errors } = play(script, habits);
            const changes = [0, 5000, 8000, 11000, 15000, 20000];
            for (let i = 0; i + 1 < changes.length; i++) {
                const error = worst(errors, changes[i] + 2900, changes[i + 1]);
                assert.ok(error < 0.04, `after the change at ${changes[i]}: ${error}`);
            }
        });

    it('is left alone once it is near: no seek, and hardly a change of rate', () => {
        const { errors, synchroniser } = play({}, { seconds: 120 });
        assert.ok(worst(errors, 5000, 120000) < 0.006);
        assert.ok(synchroniser.counts.seek <= 1);
        assert.ok(synchroniser.counts.rate < 60, `${synchroniser.counts.rate}`);
    });

    it('learns how long its seeks take', () => {
        const changes = {};
        for (let i = 1; i < 10; i++) changes[i * 4000] = { positionS: 50 * i };
        const { synchroniser, errors } = play(changes, { seconds: 40, seekMs: 700 });
        assert.ok(Math.abs(synchroniser.status().seekLeadS - 0.71) < 0.15);
        assert.ok(worst(errors, 39000, 40000) < 0.01);
    });

    it('learns how long its starts take, and not how late it was told to start', () => {
        const changes = {};
        for (let i = 1; i < 12; i++) {
            changes[i * 3000] = { speed: 0 };
            /* The TV has been playing for 100 ms when it is told. */
            changes[i * 3000 + 1500] = { positionS: 3.1 + 1.6 * (i - 1), speed: 1 };
        }
        const { synchroniser } = play(changes, { seconds: 38, startMs: 60 });
        assert.ok(Math.abs(synchroniser.status().startLeadS - 0.065) < 0.03);
    });

    it('does not end in a loop of seeks when they take longer than anything', () => {
        const { synchroniser } = play({ 3000: { positionS: 200 } }, { seconds: 60, seekMs: 3500 });
        assert.ok(synchroniser.counts.seek < 15, `${synchroniser.counts.seek}`);
    });

    it('pauses when the timeline is lost', () => {
        const { media } = play({ 3000: { available: false } }, { seconds: 4 });
        assert.equal(media.paused, true);
    });

    it('is kept where calibration wants it', () => {
        const media = new FakeMedia();
        const target = (ms) => ({ available: true, positionS: ms / 1000, speed: 1, boundS: 0 });
        const options = { now: () => media.nowMs, calibrationS: 0.05 };
        const synchroniser = new MediaSynchroniser(media, target, options);
        synchroniser.start();
        for (let ms = 0; ms < 10000; ms++) {
            media.tick();
            if (ms % 100 === 0) synchroniser.update();
        }
        synchroniser.stop();
        assert.ok(Math.abs(media.truth - (media.nowMs / 1000 + 0.05)) < 0.006);
        assert.ok(Math.abs(synchroniser.status().errorS) < 0.006);
    });

    it('asks for a gesture once if the browser wants one, and goes on after it', async () => {
        const media = new FakeMedia();
        const refusal = Object.assign(new Error('gesture'), { name: 'NotAllowedError' });
        let plays = 0;
        media.play = () => (plays++, Promise.reject(refusal));
        const target = () => ({ available: true, positionS: 0.02, speed: 1, boundS: 0 });
        const synchroniser = new MediaSynchroniser(media, target, { now: () => media.nowMs });
        const blocked = new Promise((resolve) =>
            synchroniser.addEventListener('blocked', resolve, { once: true }),
        );
        synchroniser.start();
        await blocked;
        synchroniser.update();
        assert.equal(plays, 1);
        synchroniser.resume();
        assert.equal(plays, 2);
        synchroniser.stop();
    });
});
