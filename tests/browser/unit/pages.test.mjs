/* What pages work out without a browser: when companions have to be told anew, figures, and how they
 * read. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

/* As in library.mjs; for modules that import nothing. */
async function moduleOf(path) {
    const source = readFileSync(new URL(`../../../web/${path}`, import.meta.url));
    return import(`data:text/javascript;base64,${source.toString('base64')}`);
}

const { LineTeller } = await moduleOf('tv/teller.js');
const { Change, readMetrics, total } = await moduleOf('lib/metrics.js');
const format = await moduleOf('lib/format.js');

describe('the line that companions are told', () => {
    const S = 1e9;
    const playing = (positionS) => ({ available: true, positionS, speed: 1 });
    const paused = (positionS) => ({ available: true, positionS, speed: 0 });

    it('is told at first, and not again while the programme keeps to it', () => {
        const teller = new LineTeller();
        assert.deepEqual(teller.look(playing(10), 5 * S), { ...playing(10), wallNs: 5 * S });
        assert.equal(teller.look(playing(11), 6 * S), null);
        assert.equal(teller.look(playing(110.002), 105 * S), null);
        assert.equal(teller.positionAt(7 * S), 12);
        assert.equal(teller.sinceNs, 5 * S);
    });

    it('is told anew when it drifts by more than some milliseconds', () => {
        const teller = new LineTeller();
        teller.look(playing(10), 5 * S);
        assert.equal(teller.look(playing(10.997), 6 * S), null);
        assert.deepEqual(teller.look(playing(10.99), 6 * S), { ...playing(10.99), wallNs: 6 * S });
        assert.equal(teller.look(playing(11.99), 7 * S), null);
    });

    it('is told anew at a pause, a seek in it, another speed, and when it goes on', () => {
        const teller = new LineTeller();
        teller.look(playing(10), 5 * S);
        assert.ok(teller.look(paused(11), 6 * S));
        assert.equal(teller.look(paused(11), 60 * S), null);
        assert.ok(teller.look(paused(11.04), 60 * S));
        assert.ok(teller.look({ ...playing(11.04), speed: 1.5 }, 61 * S));
        assert.equal(teller.look({ ...playing(14.04), speed: 1.5 }, 63 * S), null);
        assert.ok(teller.look(playing(14.04), 63 * S));
    });

    it('is told when it comes and goes, and nothing of a line that is not there', () => {
        const teller = new LineTeller();
        const gone = { available: false, positionS: NaN, speed: 0 };
        assert.ok(teller.look(gone, 1 * S));
        assert.equal(teller.look({ ...gone, positionS: 7 }, 2 * S), null);
        assert.ok(Number.isNaN(teller.positionAt(2 * S)));
        assert.ok(teller.look(playing(0), 3 * S));
        assert.ok(teller.look(gone, 4 * S));
    });

    it('is told again after a reset', () => {
        const teller = new LineTeller();
        teller.look(playing(10), 5 * S);
        teller.reset();
        assert.ok(Number.isNaN(teller.positionAt(5 * S)));
        assert.ok(teller.look(playing(10), 5 * S));
    });
});

describe('figures for Prometheus', () => {
    const text = (answered, busy) => `# HELP dvbcss_uptime_seconds Seconds.
# TYPE dvbcss_uptime_seconds gauge
dvbcss_uptime_seconds ${answered}
dvbcss_messages_total{endpoint="cii"} 4
dvbcss_messages_total{endpoint="ts",kind="a \\"b\\", c"} ${3 * answered}
dvbcss_busy_seconds_bucket{le="+Inf"} 3
dvbcss_busy_seconds_sum ${busy}
dvbcss_busy_seconds_count ${answered}
not a sample
`;

    it('are read with their labels', () => {
        const metrics = readMetrics(text(2, 0.5));
        assert.equal(total(metrics, 'messages_total'), 10);
        assert.equal(total(metrics, 'messages_total', { endpoint: 'ts' }), 6);
        assert.equal(total(metrics, 'messages_total', { endpoint: 'none' }), 0);
        assert.equal(total(metrics, 'nothing'), 0);
        const [, second] = metrics.get('dvbcss_messages_total');
        assert.equal(second.labels.kind, 'a \\"b\\", c');
    });

    it('give rates and means of what happened in between', () => {
        const change = new Change(readMetrics(text(2, 0.5)), readMetrics(text(6, 1.5)));
        assert.equal(change.seconds, 4);
        assert.equal(change.rate('messages_total', { endpoint: 'ts' }), 3);
        assert.equal(change.rate('messages_total', { endpoint: 'cii' }), 0);
        assert.equal(change.mean('busy_seconds'), 0.25);
    });

    it('have no mean where nothing happened, and survive a restart', () => {
        const before = readMetrics(text(6, 1.5));
        assert.equal(new Change(before, before).mean('busy_seconds'), null);
        const anew = new Change(before, readMetrics(text(2, 0.5)));
        assert.ok(anew.seconds < 0);
        assert.equal(anew.growth('messages_total', { endpoint: 'ts' }), 6);
    });
});

describe('figures as text', () => {
    it('are positions', () => {
        assert.equal(format.clockText(0), '0:00.000');
        assert.equal(format.clockText(61.2345), '1:01.235');
        assert.equal(format.clockText(3661.96, 1), '1:01:02.0');
        assert.equal(format.clockText(59.9996, 3), '1:00.000');
        assert.equal(format.clockText(-5, 0), '-0:05');
        assert.equal(format.clockText(-0.0001, 1), '0:00.0');
        assert.equal(format.clockText(NaN), '–');
    });

    it('are spans, bytes, numbers, differences and speeds', () => {
        assert.deepEqual([5.9, 89, 90, 7200, 200000].map(format.spanText), [
            '5 s',
            '89 s',
            '1 min',
            '2 h',
            '2 days',
        ]);
        assert.deepEqual([0, 999, 1200, 12345, 3.4e6].map(format.bytesText), [
            '0 B',
            '999 B',
            '1.2 kB',
            '12 kB',
            '3.4 MB',
        ]);
        assert.deepEqual([0, 0.12345, 12.345, 1234.5, null].map(format.numberText), [
            '0',
            '0.123',
            '12.3',
            '1235',
            '–',
        ]);
        assert.deepEqual([0.0012, -0.25, NaN].map(format.differenceText), [
            '+1.2 ms',
            '−250 ms',
            '–',
        ]);
        assert.deepEqual([0, 1, -2, 0.5, null].map(format.speedText), [
            'paused',
            '1×',
            '−2×',
            '0.5×',
            '–',
        ]);
    });
});
