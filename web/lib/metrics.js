/** Reads the figures that the daemon serves for Prometheus, and what happened between two readings. */

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/**
 * @param {string} text
 * @returns {Map<string, {labels: object, value: number}[]>} by name
 */
export function readMetrics(text) {
    const found = new Map();
    for (const line of text.split('\n')) {
        const parts = LINE.exec(line);
        if (!parts) continue;
        const labels = {};
        for (const [, name, value] of (parts[2] ?? '').matchAll(LABEL)) labels[name] = value;
        const samples = found.get(parts[1]) ?? [];
        samples.push({ labels, value: Number(parts[3]) });
        found.set(parts[1], samples);
    }
    return found;
}

/** The sum of all samples of a name whose labels are these. */
export function total(metrics, name, labels = {}) {
    const wanted = Object.entries(labels);
    return (metrics.get(`dvbcss_${name}`) ?? [])
        .filter((sample) => wanted.every(([label, value]) => sample.labels[label] === value))
        .reduce((sum, { value }) => sum + value, 0);
}

/** Two readings of the figures, and what happened in between. */
export class Change {
    constructor(before, now) {
        this.before = before;
        this.now = now;
        /** By the daemon's own clock; negative if it was started anew. */
        this.seconds = total(now, 'uptime_seconds') - total(before, 'uptime_seconds');
    }

    /** How much a counter grew; one that was set back to 0 grew from there. */
    growth(name, labels) {
        const now = total(this.now, name, labels);
        const before = total(this.before, name, labels);
        return now >= before ? now - before : now;
    }

    /** The same for each second. */
    rate(name, labels) {
        return this.growth(name, labels) / this.seconds;
    }

    /** The mean of what a histogram counted in between; null if it was nothing. */
    mean(name, labels) {
        const count = this.growth(`${name}_count`, labels);
        return count > 0 ? this.growth(`${name}_sum`, labels) / count : null;
    }
}
