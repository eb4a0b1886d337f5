/* Writes WebM files (Matroska, RFC 9559) with one VP8 track and an index, so that one can seek. */

function size(length) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(length) | (1n << 56n));
    return bytes;
}

function item(id, ...parts) {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.from(id.toString(16), 'hex'), size(body.length), body]);
}

function integer(id, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(value));
    return item(id, bytes);
}

function real(id, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return item(id, bytes);
}

function text(id, value) {
    return item(id, Buffer.from(value));
}

function header() {
    const version = [
        integer(0x4286, 1),
        integer(0x42f7, 1),
        integer(0x42f2, 4),
        integer(0x42f3, 8),
    ];
    const type = [text(0x4282, 'webm'), integer(0x4287, 4), integer(0x4285, 2)];
    return item(0x1a45dfa3, ...version, ...type);
}

function info(durationMs) {
    const application = 'dvbcss tests';
    const names = [text(0x4d80, application), text(0x5741, application)];
    return item(0x1549a966, integer(0x2ad7b1, 1e6), ...names, real(0x4489, durationMs));
}

function tracks(width, height) {
    const video = item(0xe0, integer(0xb0, width), integer(0xba, height));
    const names = [integer(0xd7, 1), integer(0x73c5, 1), integer(0x83, 1), text(0x86, 'V_VP8')];
    return item(0x1654ae6b, item(0xae, ...names, video));
}

function block(frame, clusterMs) {
    const head = Buffer.from([0x81, 0, 0, frame.key ? 0x80 : 0]);
    head.writeInt16BE(frame.ms - clusterMs, 1);
    return item(0xa3, head, frame.data);
}

/* A cluster begins with each key frame. */
function clusters(frames) {
    const groups = [];
    for (const frame of frames) {
        if (frame.key) groups.push([]);
        groups[groups.length - 1].push(frame);
    }
    return groups.map((group) => ({
        ms: group[0].ms,
        bytes: item(
            0x1f43b675,
            integer(0xe7, group[0].ms),
            ...group.map((frame) => block(frame, group[0].ms)),
        ),
    }));
}

function cues(list, firstAt) {
    let at = firstAt;
    const points = list.map(({ ms, bytes }) => {
        const point = item(0xb7, integer(0xf7, 1), integer(0xf1, at));
        at += bytes.length;
        return item(0xbb, integer(0xb3, ms), point);
    });
    return item(0x1c53bb6b, ...points);
}

/**
 * @param {object} video
 * @param {number} video.width
 * @param {number} video.height
 * @param {number} video.durationMs
 * @param {{ms: number, key: boolean, data: Buffer}[]} video.frames whole ms; a key frame first
 * @returns {Buffer}
 */
export function webm({ width, height, durationMs, frames }) {
    const list = clusters(frames);
    const front = Buffer.concat([info(durationMs), tracks(width, height)]);
    /* All integers have one width, so that the index is as long whatever it says. */
    const firstAt = front.length + cues(list, 0).length;
    const index = cues(list, firstAt);
    return Buffer.concat([
        header(),
        item(0x18538067, front, index, ...list.map(({ bytes }) => bytes)),
    ]);
}
