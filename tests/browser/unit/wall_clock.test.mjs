/* The estimator against truth, and the messages of the wall clock. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { dvbcss } from './library.mjs';
import { MODELS } from './models.mjs';
import { quantile, simulate } from './simulation.mjs';

const { ClockEstimator, decodeAnswer, encodeRequest } = dvbcss;

/* An exchange with a server whose clock shows local time plus an offset. */
function exchange(atMs, offsetNs, { up = 1, down = 1 } = {}) {
    const arrivedNs = (atMs + up) * 1e6 + offsetNs;
    return {
        t1Ms: atMs,
        t2Ns: arrivedNs,
        t3Ns: arrivedNs,
        t4Ms: atMs + up + down,
        precisionNs: 100,
        errorPpm: 50,
    };
}

/* The median error that a model must be followed with, in ms. What no exchange can show (half of
 * the difference of the two ways) is in it. */
const MEDIAN_ERROR_MS = {
    lan: 0.2,
    'wifi-quiet': 0.2,
    'wifi-busy': 0.4,
    'wifi-powersave': 0.4,
    cellular: 6,
    asymmetric: 2.7,
    'bursty-loss': 0.3,
    'route-change': 0.3,
};

describe('the wall clock of a page, simulated', () => {
    for (const name of Object.keys(MODELS)) {
        it(`is never off by more than its bound, and measures the rate: ${name}`, () => {
            const minutes = name === 'route-change' ? 75 : 20;
            for (let seed = 1; seed <= 5; seed++) {
                const run = simulate(name, { seed, minutes });
                const wrong = run.samples.filter((sample) => sample.errorNs > sample.boundNs);
                assert.equal(wrong.length, 0, `seed ${seed}: ${JSON.stringify(wrong[0])}`);
                assert.ok(run.samples.length > minutes * 60 - 10, 'it was available throughout');
                const settled = run.samples.filter((sample) => sample.atS >= 60);
                const errors = settled.map((sample) => sample.errorNs / 1e6);
                assert.ok(quantile(errors, 0.5) < MEDIAN_ERROR_MS[name], `seed ${seed}`);
                assert.ok(Math.abs(run.ppm - run.truePpm) < 2, `seed ${seed}: ${run.ppm} ppm`);
            }
        });
    }

    for (const grainMs of [0.005, 1, 16.7, 100])
        it(`counts a clock in that is as coarse as ${grainMs} ms`, () => {
            const { samples } = simulate('wifi-quiet', { grainMs });
            assert.ok(samples.every((sample) => sample.errorNs <= sample.boundNs));
        });

    it('counts in what numbers lose on a TV that counts from 1970', () => {
        const { samples } = simulate('lan', { grainMs: 1e-6, epochMs: 1.8e12 });
        assert.ok(samples.every((sample) => sample.errorNs <= sample.boundNs));
    });

    it('believes another clock of the TV within seconds, and its bound holds again', () => {
        for (const name of ['lan', 'wifi-busy', 'cellular']) {
            const run = simulate(name, { minutes: 10, jumpAtMs: 300000 });
            assert.ok(run.jumpSeenMs - 300000 < 8000, `${name}: ${run.jumpSeenMs}`);
            assert.ok(
                run.samples.every((sample) => sample.errorNs <= sample.boundNs),
                name,
            );
        }
    });

    it('asks between once in two seconds and twice in one', () => {
        for (const name of Object.keys(MODELS)) {
            const { requests } = simulate(name, { minutes: 10 });
            assert.ok(requests / 600 > 0.4 && requests / 600 < 2.2, `${name}: ${requests}`);
        }
    });
});

describe('the estimator', () => {
    it('knows nothing at first', () => {
        const estimator = new ClockEstimator();
        assert.equal(estimator.available, false);
        assert.equal(estimator.boundAt(0), Infinity);
        assert.ok(Number.isNaN(estimator.wallAt(0)));
        assert.ok(Number.isNaN(estimator.localAt(0)));
    });

    it('has the middle of one exchange, and half its round trip for a bound', () => {
        const estimator = new ClockEstimator({ localPrecisionMs: 0, localErrorPpm: 0 });
        estimator.add(exchange(1000, 7e9, { up: 3, down: 1 }));
        assert.ok(Math.abs(estimator.wallAt(1004) - (1004e6 + 7e9 + 1e6)) < 1000);
        const bound = estimator.boundAt(1004);
        assert.ok(bound >= 2e6 && bound < 2.001e6, `${bound}`);
    });

    it('takes the quickest way there and the quickest way back of different exchanges', () => {
        const estimator = new ClockEstimator({ localPrecisionMs: 0, localErrorPpm: 0 });
        estimator.add(exchange(1000, 0, { up: 1, down: 50 }));
        estimator.add(exchange(1100, 0, { up: 50, down: 1 }));
        assert.ok(estimator.boundAt(1151) < 1.1e6);
    });

    it('lets the bound grow while nothing is heard', () => {
        const estimator = new ClockEstimator({ localErrorPpm: 100 });
        estimator.add(exchange(0, 0));
        const grown = estimator.boundAt(10002) - estimator.boundAt(2);
        assert.ok(grown >= 150e-6 * 10e9, `${grown}`);
    });

    it('never goes backwards while it slews', () => {
        const estimator = new ClockEstimator();
        estimator.add(exchange(0, 0, { up: 1, down: 9 }));
        estimator.add(exchange(100, 0, { up: 1, down: 1 }));
        let last = -Infinity;
        for (let ms = 102; ms < 1500; ms++) {
            assert.ok(estimator.wallAt(ms) > last);
            last = estimator.wallAt(ms);
        }
    });

    it('converts back to local time what it shows, also in a slew', () => {
        const estimator = new ClockEstimator();
        estimator.add(exchange(0, 5e9, { up: 1, down: 9 }));
        estimator.add(exchange(100, 5e9));
        for (const ms of [-50, 102, 500, 1101, 90000])
            assert.ok(Math.abs(estimator.localAt(estimator.wallAt(ms)) - ms) < 1e-5);
    });

    it('doubts two exchanges that contradict, and believes the third', () => {
        const estimator = new ClockEstimator();
        for (let i = 0; i < 5; i++) estimator.add(exchange(i * 100, 0));
        const outcomes = [0, 1, 2].map((i) => estimator.add(exchange(1000 + i * 20, 60e9)));
        assert.deepEqual(
            outcomes.map((outcome) => [outcome.doubted, outcome.jumped]),
            [
                [true, false],
                [true, false],
                [false, true],
            ],
        );
        assert.ok(Math.abs(estimator.wallAt(1100) - 61.1e9) < estimator.boundAt(1100));
    });

    it('does not believe three that contradict each other', () => {
        const estimator = new ClockEstimator();
        estimator.add(exchange(0, 0));
        for (const offset of [60e9, 120e9, 180e9, 240e9])
            assert.equal(estimator.add(exchange(100, offset)).jumped, false);
        assert.ok(Math.abs(estimator.wallAt(200) - 200e6) < estimator.boundAt(200));
    });

    it('refuses what is no exchange', () => {
        const estimator = new ClockEstimator();
        const good = exchange(0, 0);
        for (const bad of [
            { t4Ms: -5 },
            { t3Ns: good.t2Ns - 1 },
            { t2Ns: NaN },
            { t3Ns: Infinity },
            { precisionNs: -1 },
            { errorPpm: undefined },
        ])
            assert.equal(estimator.add({ ...good, ...bad }).accepted, false, JSON.stringify(bad));
        assert.equal(estimator.available, false);
    });

    it('forgets on request', () => {
        const estimator = new ClockEstimator();
        estimator.add(exchange(0, 0));
        estimator.reset();
        assert.equal(estimator.available, false);
    });
});

describe('the messages of the wall clock', () => {
    it('are 32 bytes, and an answer brings the id back', () => {
        const request = encodeRequest(0xfedcba98);
        assert.equal(request.byteLength, 32);
        const answer = new DataView(request.slice(0));
        answer.setUint8(1, 1);
        answer.setInt8(2, -10);
        answer.setUint32(4, 50 * 256);
        answer.setUint32(16, 7);
        answer.setUint32(20, 5);
        answer.setUint32(24, 7);
        answer.setUint32(28, 6);
        assert.deepEqual(decodeAnswer(answer.buffer), {
            type: 1,
            id: 0xfedcba98,
            t2Ns: 7000000005,
            t3Ns: 7000000006,
            precisionNs: 2 ** -10 * 1e9,
            errorPpm: 50,
        });
    });

    it('are understood as JSON, too, with strings for numbers', () => {
        const { id } = JSON.parse(encodeRequest(77, 'json'));
        const text = JSON.stringify({ v: 0, t: 1, id, p: 0.001, mfe: 50, rt: '123', tt: 456 });
        const answer = decodeAnswer(text);
        assert.equal(answer.id, 77);
        assert.equal(answer.t2Ns, 123);
        assert.equal(answer.t3Ns, 456);
        assert.equal(answer.precisionNs, 1e6);
    });

    it('are refused if they are none', () => {
        const short = new ArrayBuffer(31);
        const version = new Uint8Array(32).fill(1).buffer;
        const request = encodeRequest(1);
        for (const bad of [short, version, request, '', '[]', 'null', '{"v":0,"t":1}', '{"t":1}'])
            assert.equal(decodeAnswer(bad), null);
    });
});

describe('a local clock', () => {
    it('is found as coarse as it is', () => {
        let spins = 0;
        const ticking = () => Math.floor(spins++ / 100) * 0.25;
        assert.equal(dvbcss.measurePrecisionMs(ticking), 0.25);
    });

    it('that does not tick is taken for very coarse', () => {
        assert.equal(
            dvbcss.measurePrecisionMs(() => 5),
            100,
        );
    });
});

describe('attempts to connect', () => {
    it('are ever farther apart, up to a limit, and never all at once', () => {
        for (const draw of [0, 0.999]) {
            const spans = [1, 2, 3, 4, 5, 20].map((n) => dvbcss.backOffMs(n, () => draw));
            assert.ok(spans.every((span, i) => i === 0 || span >= spans[i - 1]));
            assert.ok(spans[0] >= 250 && spans[5] <= 15000);
        }
        assert.ok(dvbcss.backOffMs(3, () => 0.9) > dvbcss.backOffMs(3, () => 0.1));
    });
});
