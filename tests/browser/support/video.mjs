/* A video for the tests, made by the browser that plays it: nothing else has to be installed. */
import { writeFileSync } from 'node:fs';

import { webm } from './webm.mjs';

const WIDTH = 320;
const HEIGHT = 180;
const FRAME_MS = 40;
const LOOP_FRAMES = 250;

/* Runs in the page. A hand that goes round once in ten seconds, a key frame each second. */
async function encode({ width, height, frameMs, count }) {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    const chunks = [];
    const encoder = new VideoEncoder({
        output: (chunk) => {
            const bytes = new Uint8Array(chunk.byteLength);
            chunk.copyTo(bytes);
            chunks.push({ key: chunk.type === 'key', data: btoa(String.fromCharCode(...bytes)) });
        },
        error: (error) => {
            throw error;
        },
    });
    encoder.configure({ codec: 'vp8', width, height, bitrate: 60000, framerate: 1000 / frameMs });
    for (let i = 0; i < count; i++) {
        context.fillStyle = i % 25 < 2 ? '#ffffff' : '#123456';
        context.fillRect(0, 0, width, height);
        context.strokeStyle = '#f4c95d';
        context.lineWidth = 8;
        context.beginPath();
        context.arc(width / 2, height / 2, height / 3, 0, (2 * Math.PI * i) / count);
        context.stroke();
        const frame = new VideoFrame(canvas, { timestamp: i * frameMs * 1000 });
        encoder.encode(frame, { keyFrame: i % 25 === 0 });
        frame.close();
        if (encoder.encodeQueueSize > 10) await new Promise((done) => setTimeout(done, 5));
    }
    await encoder.flush();
    return chunks;
}

/**
 * Makes a video of 25 pictures a second; what it shows repeats itself after ten.
 *
 * @param {import('playwright-core').Page} page in a secure context
 * @param {string} path where to write it
 * @param {number} seconds
 */
export async function makeVideo(page, path, seconds) {
    const chunks = await page.evaluate(encode, {
        width: WIDTH,
        height: HEIGHT,
        frameMs: FRAME_MS,
        count: LOOP_FRAMES,
    });
    const loop = chunks.map(({ key, data }) => ({ key, data: Buffer.from(data, 'base64') }));
    const frames = [];
    for (let i = 0; i * FRAME_MS < seconds * 1000; i++)
        frames.push({ ...loop[i % loop.length], ms: i * FRAME_MS });
    const durationMs = frames.length * FRAME_MS;
    writeFileSync(path, webm({ width: WIDTH, height: HEIGHT, durationMs, frames }));
}
