/* CSS-CII, CSS-TS and URLs, as TVs in the field send them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { dvbcss } from './library.mjs';

const { mergeCii, parseControlTimestamp, parseSelector, repairUrl, wallClockUrl } = dvbcss;
const { CiiClient, TimelineClock, TsClient, WallClock } = dvbcss;
const PTS = 'urn:dvb:css:timeline:pts';

describe('merging CII', () => {
    const known = { contentId: 'dvb://1', tsUrl: 'ws://tv/ts', mrsUrl: null };

    it('keeps what is omitted, takes null and values over, and leaves the old state alone', () => {
        const merged = mergeCii(known, { contentId: null, teUrl: 'ws://tv/te' });
        assert.deepEqual(merged, { ...known, contentId: null, teUrl: 'ws://tv/te' });
        assert.equal(known.contentId, 'dvb://1');
    });

    it('keeps timelines that a partial message omits, and drops those that are null', () => {
        const timelines = [{ timelineSelector: PTS, unitsPerTick: 1, unitsPerSecond: 90000 }];
        const merged = mergeCii({}, { timelines });
        assert.equal(mergeCii(merged, { contentId: 'x' }).timelines.length, 1);
        assert.equal(mergeCii(merged, { timelines: null }).timelines, null);
    });

    it('takes an array for the presentation status, and numbers for strings', () => {
        const merged = mergeCii(
            {},
            { presentationStatus: ['okay', 'extra'], protocolVersion: 1.1 },
        );
        assert.equal(merged.presentationStatus, 'okay extra');
        assert.equal(merged.protocolVersion, '1.1');
    });

    it('takes tick rates nested or flat, as numbers or strings', () => {
        const { timelines } = mergeCii(
            {},
            {
                timelines: [
                    {
                        timelineSelector: PTS,
                        timelineProperties: { unitsPerTick: 1001, unitsPerSecond: '30000' },
                    },
                    { timelineSelector: 'a', unitsPerTick: 1, unitsPerSecond: 25, accuracy: 0.1 },
                    { timelineSelector: 'b' },
                    { unitsPerTick: 1 },
                    null,
                ],
            },
        );
        assert.equal(timelines.length, 3);
        assert.ok(Math.abs(timelines[0].tickRate - 29.97) < 0.001);
        assert.equal(timelines[1].tickRate, 25);
        assert.equal(timelines[1].accuracy, 0.1);
        assert.ok(Number.isNaN(timelines[2].tickRate));
    });

    it('takes wrong types and unknown members for omitted', () => {
        const wrong = { contentId: {}, tsUrl: true, timelines: 'x', private: 5, other: 1 };
        assert.deepEqual(mergeCii(known, wrong), known);
    });
});

describe('control timestamps', () => {
    const read = (value) => parseControlTimestamp(JSON.stringify(value));

    it('are read with strings or numbers', () => {
        const expected = { available: true, contentTicks: 900000, wallNs: 5e9, speed: 1 };
        const strings = { contentTime: '900000', wallClockTime: '5000000000' };
        assert.deepEqual(read({ ...strings, timelineSpeedMultiplier: 1 }), expected);
        assert.deepEqual(
            read({ contentTime: 900000, wallClockTime: 5e9, timelineSpeedMultiplier: '1' }),
            expected,
        );
    });

    it('say that a timeline is not available by null, or by leaving out', () => {
        const unavailable = [
            { contentTime: null, wallClockTime: '1', timelineSpeedMultiplier: null },
            { contentTime: null, wallClockTime: '1', timelineSpeedMultiplier: 1 },
            { timelineSpeedMultiplier: null },
        ];
        for (const message of unavailable) assert.equal(read(message).available, false);
    });

    it('are refused if they are none', () => {
        const bad = [
            '',
            'null',
            '[]',
            '{',
            '{"contentTime":"x","wallClockTime":"1","timelineSpeedMultiplier":1}',
            '{"contentTime":"1","wallClockTime":"","timelineSpeedMultiplier":1}',
            '{"contentTime":"1","timelineSpeedMultiplier":1}',
            '{"contentTime":"1","wallClockTime":"1","timelineSpeedMultiplier":"Infinity"}',
        ];
        for (const text of bad) assert.equal(parseControlTimestamp(text), null, text);
    });
});

describe('a timeline', () => {
    const at = (contentTicks, wallNs, speed) => ({ available: true, contentTicks, wallNs, speed });

    it('runs along its line, backwards as well, and can be asked when', () => {
        const timeline = new TimelineClock(90000);
        timeline.set(at(900000, 5e9, -2));
        assert.equal(timeline.ticksAt(6e9), 720000);
        assert.equal(timeline.wallAt(720000), 6e9);
    });

    it('stands still in a pause', () => {
        const timeline = new TimelineClock(25);
        timeline.set(at(50, 5e9, 0));
        assert.equal(timeline.ticksAt(9e9), 50);
        assert.ok(Number.isNaN(timeline.wallAt(60)));
    });

    it('tells changes, how far they jump, and nothing when a TV repeats itself', () => {
        const timeline = new TimelineClock(1000);
        const changes = [];
        timeline.addEventListener('change', (event) => changes.push(event.detail));
        assert.equal(timeline.set(at(0, 1e9, 1)), true);
        assert.equal(timeline.set(at(2000, 3e9, 1)), false);
        assert.equal(timeline.set(at(7000, 3e9, 1)), true);
        assert.equal(timeline.set(at(7000, 3e9, 0)), true);
        timeline.lose();
        timeline.lose();
        assert.deepEqual(changes, [
            { availability: true, speed: true, jumpS: 0 },
            { availability: false, speed: false, jumpS: 5 },
            { availability: false, speed: true, jumpS: 0 },
            { availability: true, speed: false, jumpS: 0 },
        ]);
        assert.equal(timeline.available, false);
        assert.ok(Number.isNaN(timeline.ticksAt(1)));
    });

    it('needs a tick rate', () => {
        for (const rate of [0, -1, NaN, undefined])
            assert.throws(() => new TimelineClock(rate), RangeError);
    });

    it('has its tick rate in some selectors', () => {
        assert.deepEqual(parseSelector(PTS), { tickRate: 90000, wrapTicks: 2 ** 33 });
        const period = 'urn:dvb:css:timeline:mpd:period:rel:1000';
        assert.equal(parseSelector(period).tickRate, 1000);
        assert.equal(parseSelector(`${period}:two`).tickRate, 1000);
        for (const other of ['urn:dvb:css:timeline:temi:1:1', `${period}x`, ''])
            assert.ok(Number.isNaN(parseSelector(other).tickRate), other);
    });
});

describe('advertised URLs', () => {
    const reached = 'ws://192.0.2.7:7681/cii';

    it('get the host that the TV was reached at in place of none and of every machine', () => {
        const none = ['0.0.0.0', 'localhost', '127.0.0.1', '127.8.9.1', '', '[::]', '[::1]'];
        for (const host of [...none, '[0:0:0:0:0:0:0:0]'])
            assert.equal(
                repairUrl(`ws://${host}:81/ts?a`, reached),
                'ws://192.0.2.7:81/ts?a',
                host,
            );
        assert.equal(repairUrl('ws://127.0.0.1/ts', 'ws://[::1]:9/'), 'ws://[::1]/ts');
    });

    it('keep another host', () => {
        for (const url of ['ws://tv.example/ts', 'ws://198.51.100.1:9/x', 'wss://[2001:db8::1]:9/'])
            assert.equal(repairUrl(url, reached), url);
    });

    it('are reached by TLS if the TV was', () => {
        assert.equal(repairUrl('ws://tv:81/ts', 'wss://tv:81/cii'), 'wss://tv:81/ts');
        assert.equal(repairUrl('ws://0.0.0.0:81/ts', 'wss://tv:81/cii'), 'wss://tv:81/ts');
        assert.equal(repairUrl('ws://other:81/ts', 'wss://tv:81/cii'), 'ws://other:81/ts');
    });

    it('are nothing if they are for no WebSocket', () => {
        for (const url of [null, undefined, '', 'udp://192.0.2.7:6677', 'http://tv/'])
            assert.equal(repairUrl(url, reached), null);
    });

    it('for the wall clock are made from that of CII, or taken if they are for a WebSocket', () => {
        assert.equal(wallClockUrl('udp://192.0.2.7:6677', reached), 'ws://192.0.2.7:7681/wc');
        assert.equal(wallClockUrl(null, 'wss://tv/a/cii'), 'wss://tv/wc');
        assert.equal(wallClockUrl('ws://0.0.0.0:9/clock', reached), 'ws://192.0.2.7:9/clock');
    });
});

/* A WebSocket that the test speaks for. */
class FakeSocket extends EventTarget {
    static made = [];

    constructor(url) {
        super();
        this.url = url;
        this.sent = [];
        FakeSocket.made.push(this);
    }

    static get last() {
        return FakeSocket.made[FakeSocket.made.length - 1];
    }

    send(data) {
        this.sent.push(data);
    }

    close() {
        this.closed = true;
    }

    opens() {
        this.dispatchEvent(new Event('open'));
        return this;
    }

    says(data) {
        const event = new Event('message');
        event.data = typeof data === 'object' ? JSON.stringify(data) : data;
        this.dispatchEvent(event);
    }

    ends(code) {
        this.dispatchEvent(Object.assign(new Event('close'), { code, reason: '' }));
    }
}

const options = { WebSocket: FakeSocket };

describe('the clients', () => {
    it('tell their state, and come back after any end until they are stopped', () => {
        const client = new CiiClient('ws://tv/cii', options);
        const states = [];
        client.addEventListener('state', (event) => states.push(event.detail));
        client.start();
        FakeSocket.last.opens();
        FakeSocket.last.ends(1001);
        assert.deepEqual(
            states.map((detail) => detail.state),
            ['connecting', 'open', 'waiting'],
        );
        assert.equal(states[2].reason, 'closed with 1001');
        client.stop();
        assert.equal(client.state, 'stopped');
    });

    it('do not hear a connection that they gave up', () => {
        const client = new CiiClient('ws://tv/cii', options);
        client.start();
        const first = FakeSocket.last.opens();
        client.url = 'ws://tv/other';
        assert.equal(first.closed, true);
        assert.equal(FakeSocket.last.url, 'ws://tv/other');
        first.says({ contentId: 'x' });
        assert.equal(client.cii.contentId, undefined);
        client.stop();
    });

    it('count what they cannot understand, and go on', () => {
        const client = new CiiClient('ws://tv/cii', options);
        client.start();
        const socket = FakeSocket.last.opens();
        for (const text of ['pairingcompleted', '[]', '{', 'null']) socket.says(text);
        assert.equal(client.ignored, 4);
        socket.says({ contentId: 'dvb://1' });
        assert.equal(client.cii.contentId, 'dvb://1');
        const { buffer } = new TextEncoder().encode('{"contentId": "dvb://ü"}');
        socket.dispatchEvent(Object.assign(new Event('message'), { data: buffer }));
        assert.equal(client.cii.contentId, 'dvb://ü');
        client.stop();
    });

    it('take the first message of a connection for the full state', () => {
        const client = new CiiClient('ws://tv/cii', options);
        const changes = [];
        client.addEventListener('change', (event) => changes.push(event.detail.changed));
        client.start();
        const socket = FakeSocket.last.opens();
        socket.says({ contentId: 'dvb://1', teUrl: 'ws://tv/te' });
        socket.says({ contentIdStatus: 'final' });
        socket.says({ contentIdStatus: 'final' });
        client.url = 'ws://tv/again';
        FakeSocket.last.opens().says({ contentId: 'dvb://2' });
        assert.deepEqual(client.cii, { contentId: 'dvb://2' });
        assert.deepEqual(changes, [
            ['contentId', 'teUrl'],
            ['contentIdStatus'],
            ['contentId', 'teUrl', 'contentIdStatus'],
        ]);
        client.stop();
    });

    it('ask for a timeline at once, follow it, and report', () => {
        const client = new TsClient('ws://tv/ts', { ...options, timelineSelector: PTS });
        client.start();
        const socket = FakeSocket.last.opens();
        assert.deepEqual(JSON.parse(socket.sent[0]), { contentIdStem: '', timelineSelector: PTS });
        socket.says({ contentTime: '90000', wallClockTime: '1', timelineSpeedMultiplier: 1 });
        assert.equal(client.timeline.available, true);
        client.report({
            actual: { ticks: 12.4, wallNs: 5e15 },
            earliest: { ticks: 12, wallNs: -Infinity },
            latest: { ticks: 13, wallNs: Infinity },
        });
        assert.deepEqual(JSON.parse(socket.sent[1]), {
            actual: { contentTime: '12', wallClockTime: '5000000000000000' },
            earliest: { contentTime: '12', wallClockTime: 'minusinfinity' },
            latest: { contentTime: '13', wallClockTime: 'plusinfinity' },
        });
        client.stop();
        assert.equal(client.timeline.available, false);
    });

    it('keep a timeline for a while when its connection is lost', () => {
        const client = new TsClient('ws://tv/ts', { ...options, timelineSelector: PTS });
        client.start();
        const socket = FakeSocket.last.opens();
        socket.says({ contentTime: '90000', wallClockTime: '1', timelineSpeedMultiplier: 1 });
        socket.ends(1006);
        assert.equal(client.timeline.available, true);
        client.stop();
    });

    it('lose a timeline after that while, however often they try', async () => {
        const wanted = { ...options, timelineSelector: PTS, graceMs: 30 };
        const client = new TsClient('ws://tv/ts', wanted);
        client.start();
        const socket = FakeSocket.last.opens();
        socket.says({ contentTime: '90000', wallClockTime: '1', timelineSpeedMultiplier: 1 });
        let tries = 0;
        const trying = setInterval(() => (client.url = `ws://tv/ts?${++tries}`), 5);
        await new Promise((resolve) => client.addEventListener('change', resolve, { once: true }));
        clearInterval(trying);
        assert.equal(client.timeline.available, false);
        assert.ok(tries > 1);
        client.stop();
    });

    it('for the wall clock begin with a burst and believe only what they asked for', () => {
        let nowMs = 0;
        const clock = new WallClock('ws://tv/wc', {
            ...options,
            now: () => nowMs,
            precisionMs: 0.1,
        });
        clock.start();
        const socket = FakeSocket.last.opens();
        return new Promise((resolve) => {
            const wait = () => (socket.sent.length > 0 ? resolve() : setTimeout(wait, 1));
            wait();
        }).then(() => {
            const answer = socket.sent[0].slice(0);
            const view = new DataView(answer);
            view.setUint8(1, 1);
            view.setUint32(16, 5);
            view.setUint32(24, 5);
            const forged = answer.slice(0);
            new DataView(forged).setUint32(8, view.getUint32(8) ^ 0xffff);
            const hear = (data) =>
                socket.dispatchEvent(Object.assign(new Event('message'), { data }));
            hear(forged);
            assert.equal(clock.available, false);
            nowMs = 2;
            hear(answer);
            assert.ok(Math.abs(clock.wallAt(1) - 5e9) < 1e5);
            hear(answer);
            assert.equal(clock.ignored, 2);
            assert.equal(clock.counts.exchanges, 1);
            clock.url = 'ws://other/wc';
            assert.equal(clock.available, false, 'it is the clock of another TV');
            clock.stop();
        });
    });

    it('use of a follow-up when the answer before it came', async () => {
        let nowMs = 0;
        const clock = new WallClock('ws://tv/wc', { ...options, now: () => nowMs, precisionMs: 0 });
        clock.start();
        const socket = FakeSocket.last.opens();
        while (socket.sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        const hear = (type, t3) => {
            const answer = socket.sent[0].slice(0);
            const view = new DataView(answer);
            view.setUint8(1, type);
            view.setUint32(16, 5);
            view.setUint32(24, 5);
            view.setUint32(28, t3);
            socket.dispatchEvent(Object.assign(new Event('message'), { data: answer }));
        };
        nowMs = 10;
        hear(2, 1000000);
        assert.equal(clock.available, false);
        nowMs = 500;
        hear(3, 2000000);
        assert.equal(clock.roundTripMs, 8);
        clock.stop();
    });
});

describe('the synchroniser', () => {
    const CII = {
        contentId: 'dvb://1',
        wcUrl: 'udp://192.0.2.7:6677',
        tsUrl: 'ws://0.0.0.0:7681/ts',
        timelines: [
            {
                timelineSelector: 'urn:dvb:css:timeline:temi:1:1',
                timelineProperties: { unitsPerTick: 1, unitsPerSecond: 1000 },
            },
            {
                timelineSelector: PTS,
                timelineProperties: { unitsPerTick: 1, unitsPerSecond: 90000 },
            },
        ],
    };

    /* Starts one and has it told CII; what it connects to stands in `urls`. */
    function follow(more = {}, cii = CII) {
        FakeSocket.made = [];
        const companion = new dvbcss.Synchroniser('ws://192.0.2.7:7681/cii', {
            ...options,
            ...more,
        });
        companion.start();
        FakeSocket.made[0].opens().says(cii);
        return { companion, urls: FakeSocket.made.map((socket) => socket.url) };
    }

    it('finds the wall clock beside CII, and the timelines where the TV was reached', () => {
        const { companion, urls } = follow();
        const at = 'ws://192.0.2.7:7681';
        assert.deepEqual(urls, [`${at}/cii`, `${at}/wc`, `${at}/ts`]);
        companion.stop();
        assert.ok(FakeSocket.made.every((socket) => socket.closed));
    });

    it('takes the first timeline on offer with its tick rate, or the one that is wanted', () => {
        const setup = () => JSON.parse(FakeSocket.last.opens().sent[0]).timelineSelector;
        const first = follow();
        assert.equal(setup(), CII.timelines[0].timelineSelector);
        assert.equal(first.companion.ts.timeline.tickRate, 1000);
        first.companion.stop();
        const wanted = follow({ timelineSelector: PTS });
        assert.equal(setup(), PTS);
        wanted.companion.stop();
        const nothing = follow({}, { tsUrl: CII.tsUrl, timelines: null });
        assert.equal(setup(), PTS);
        nothing.companion.stop();
    });

    it('asks for no timeline whose tick rate nobody knows, nor without an endpoint', () => {
        const unknown = follow({ timelineSelector: 'urn:dvb:css:timeline:temi:9:9' });
        assert.equal(unknown.companion.ts, null);
        unknown.companion.stop();
        const nowhere = follow({}, { ...CII, tsUrl: null });
        assert.equal(nowhere.companion.ts, null);
        assert.equal(nowhere.companion.positionAt(0).available, false);
        nowhere.companion.stop();
    });

    it('follows the endpoint to another place, and stays where nothing changed', () => {
        const { companion } = follow();
        const before = companion.ts;
        FakeSocket.made[0].says({ contentId: 'dvb://2', timelines: CII.timelines });
        assert.equal(companion.ts, before);
        FakeSocket.made[0].says({ tsUrl: 'ws://192.0.2.8:1/ts' });
        assert.equal(companion.ts.url, 'ws://192.0.2.8:1/ts');
        assert.equal(before.state, 'stopped');
        companion.stop();
    });

    it('refuses what is no URL, before anything is opened', () => {
        assert.throws(() => new dvbcss.Synchroniser('television', options), TypeError);
    });

    it('tells the TV nothing while it knows nothing', () => {
        const { companion } = follow();
        FakeSocket.last.opens();
        assert.equal(companion.report(0), false);
        companion.stop();
    });
});
