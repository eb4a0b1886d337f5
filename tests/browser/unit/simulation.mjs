/* A companion's wall clock against a TV's, with virtual clocks and a virtual network. */
import { dvbcss } from './library.mjs';
import { MODELS, path } from './models.mjs';
import { distributions, seeded } from './random.mjs';

const SAMPLE_MS = 1000;
const BURST_REQUESTS = 8;
const BURST_SPAN_MS = 20;

/* A clock whose frequency error walks at random. Minutes are made as they are asked for. */
function driftingClock(d, ppm, originMs) {
    const minutes = [{ ms: originMs, ppm }];
    return (trueMs) => {
        const index = Math.max(0, Math.floor(trueMs / 60000));
        while (minutes.length <= index) {
            const last = minutes[minutes.length - 1];
            minutes.push({
                ms: last.ms + 60000 * (1 + last.ppm * 1e-6),
                ppm: last.ppm + 0.02 * d.normal(),
            });
        }
        const minute = minutes[index];
        return minute.ms + (trueMs - index * 60000) * (1 + minute.ppm * 1e-6);
    };
}

/* performance.now(): rounded to a grain, up or down by chance, as browsers do on purpose. */
function coarse(d, grainMs) {
    return (ms) => (Math.floor(ms / grainMs) + (d.chance(0.5) ? 1 : 0)) * grainMs;
}

/* What the event loop of a page adds before a message is sent or seen. */
function pageDelay(d) {
    return d.exponential(0.1) + (d.chance(0.02) ? d.exponential(10) : 0);
}

class Run {
    constructor(name, { seed = 1, grainMs = 0.1, jumpAtMs = Infinity, epochMs = 5000 }) {
        const d = distributions(seeded(seed * 7919 + name.length));
        const localPpm = d.uniform(-50, 50);
        const serverPpm = d.uniform(-20, 20);
        const server = driftingClock(d, serverPpm, epochMs);
        this.d = d;
        this.jumpAtMs = jumpAtMs;
        this.local = driftingClock(d, localPpm, 1000);
        this.wallNs = (ms) => (server(ms) + (ms >= jumpAtMs ? 3e6 : 0)) * 1e6;
        this.read = coarse(d, grainMs);
        this.up = path(MODELS[name], 'up', d);
        this.down = path(MODELS[name], 'down', d);
        this.estimator = new dvbcss.ClockEstimator({
            localPrecisionMs: grainMs,
            localErrorPpm: 100,
        });
        this.truePpm = ((1 + serverPpm * 1e-6) / (1 + localPpm * 1e-6) - 1) * 1e6;
        this.samples = [];
        this.requests = 0;
        this.jumpSeenMs = NaN;
        this.burst = BURST_REQUESTS;
        this.answers = [];
        this.nextRequestMs = 0;
    }

    request(nowMs) {
        const t1Ms = this.read(this.local(nowMs));
        const arrived = this.up(nowMs + pageDelay(this.d));
        const left = arrived + this.d.exponential(0.05);
        const t2Ns = Math.floor(this.wallNs(arrived));
        const t3Ns = Math.floor(this.wallNs(left));
        const exchange = { t1Ms, t2Ns, t3Ns, precisionNs: 60, errorPpm: 50 };
        this.answers.push({ atMs: this.down(left), exchange });
        this.requests++;
        if (this.burst > 0) this.burst--;
        this.nextRequestMs = nowMs + (this.burst > 0 ? BURST_SPAN_MS : this.span(nowMs));
    }

    span(nowMs) {
        if (!this.estimator.available) return SAMPLE_MS;
        const bound = this.estimator.boundAt(this.local(nowMs));
        return dvbcss.requestSpanMs(bound, this.estimator.growthNsPerS, this.d.random);
    }

    answer(nowMs) {
        const { exchange } = this.answers.shift();
        const t4Ms = this.read(this.local(nowMs + pageDelay(this.d)));
        const outcome = this.estimator.add({ ...exchange, t4Ms });
        if (outcome.jumped) this.jumpSeenMs = nowMs;
        if (outcome.doubted && this.burst === 0) {
            this.burst = BURST_REQUESTS;
            this.nextRequestMs = nowMs;
        }
    }

    /* The truth is that of the instant at which the local clock was read. */
    sample(nowMs) {
        const unnoticed = nowMs >= this.jumpAtMs && Number.isNaN(this.jumpSeenMs);
        if (!this.estimator.available || unnoticed) return;
        const reading = this.read(this.local(nowMs));
        this.samples.push({
            atS: nowMs / 1000,
            errorNs: Math.abs(this.estimator.wallAt(reading) - this.wallNs(nowMs)),
            boundNs: this.estimator.boundAt(reading),
        });
    }
}

/**
 * Runs a model.
 *
 * @param {string} name of MODELS
 * @param {object} options {seed, minutes, grainMs, jumpAtMs, epochMs}: grain of the local clock;
 *     when the TV comes back with another epoch; what its clock begins at
 * @returns {{samples: {atS, errorNs, boundNs}[], requests, jumpSeenMs, ppm, truePpm}}
 */
export function simulate(name, { minutes = 20, ...options } = {}) {
    const run = new Run(name, options);
    for (let sampleMs = 0; ;) {
        const answerMs = run.answers[0]?.atMs ?? Infinity;
        const nowMs = Math.min(run.nextRequestMs, sampleMs, answerMs);
        if (nowMs >= minutes * 60000) break;
        if (nowMs === answerMs) {
            run.answer(nowMs);
        } else if (nowMs === run.nextRequestMs) {
            run.request(nowMs);
        } else {
            run.sample(nowMs);
            sampleMs += SAMPLE_MS;
        }
    }
    return { ...run, ppm: run.estimator.frequencyPpm };
}

/** The value that a share of all values is below. */
export function quantile(values, share) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
