/* Where videos in different pages are, on one clock: that of the machine which all pages run on. */

/* Runs in a page: records the position of its video, and when which picture is shown. */
function record() {
    const video = document.querySelector('video');
    const at = (localMs) => performance.timeOrigin + localMs;
    const recorded = { positions: [], pictures: [] };
    setInterval(() => {
        const { currentTime, paused, seeking, playbackRate } = video;
        const still = paused || video.readyState < 3;
        recorded.positions.push({
            atMs: at(performance.now()),
            s: currentTime,
            still,
            seeking,
            rate: playbackRate,
        });
    }, 40);
    const picture = (_, { mediaTime, expectedDisplayTime }) => {
        recorded.pictures.push({ atMs: at(expectedDisplayTime), s: mediaTime });
        video.requestVideoFrameCallback(picture);
    };
    video.requestVideoFrameCallback(picture);
    globalThis.recordedByTest = recorded;
}

export function startRecording(page) {
    return page.evaluate(record);
}

export function recorded(page) {
    return page.evaluate(() => globalThis.recordedByTest);
}

/** The clock that positions are recorded by. */
export function nowMs(page) {
    return page.evaluate(() => performance.timeOrigin + performance.now());
}

/* The two neighbours of a time in a list that is sorted by it. */
function around(list, atMs) {
    let low = 0;
    let high = list.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (list[middle].atMs < atMs) low = middle + 1;
        else high = middle;
    }
    return [list[low - 1], list[low]];
}

/* Where the TV was, between two readings that tell of the same movement. */
function positionBetween(before, after, atMs) {
    if (!before || !after || after.atMs - before.atMs > 200) return NaN;
    if (before.seeking || after.seeking || before.still !== after.still) return NaN;
    const share = (atMs - before.atMs) / (after.atMs - before.atMs);
    return before.s + (after.s - before.s) * share;
}

/**
 * How far a companion's video was off the TV's, each time that its position was read.
 *
 * @returns {{atMs: number, ms: number}[]} positive if the companion was ahead; Infinity while it sought
 */
export function differences(tv, companion) {
    return companion.positions
        .map((reading) => {
            const expected = positionBetween(...around(tv.positions, reading.atMs), reading.atMs);
            const ms = reading.seeking ? Infinity : (reading.s - expected) * 1000;
            return { atMs: reading.atMs, ms };
        })
        .filter(({ ms }) => !Number.isNaN(ms));
}

/**
 * How much later a companion showed the same picture than the TV.
 *
 * @returns {{atMs: number, ms: number}[]} positive if it was later
 */
export function pictureDelays(tv, companion) {
    return companion.pictures
        .map(({ atMs, s }) => {
            const same = tv.pictures.filter((picture) => picture.s === s);
            const delays = same.map((picture) => atMs - picture.atMs);
            delays.sort((a, b) => Math.abs(a) - Math.abs(b));
            return { atMs, ms: delays[0] ?? NaN };
        })
        .filter(({ ms }) => Math.abs(ms) < 1000);
}
