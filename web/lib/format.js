/** Figures as people read them. */

/** A position on a programme: 1:02:03.456, -0:05.000. */
export function clockText(seconds, decimals = 3) {
    if (!Number.isFinite(seconds)) return '–';
    const scale = 10 ** decimals;
    const rounded = Math.round(Math.abs(seconds) * scale);
    const whole = Math.floor(rounded / scale);
    const fraction = String(rounded % scale).padStart(decimals, '0');
    const two = (number) => String(number).padStart(2, '0');
    const minutes = Math.floor(whole / 60) % 60;
    const hours = Math.floor(whole / 3600);
    const front = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes);
    const sign = seconds < 0 && rounded > 0 ? '-' : '';
    return `${sign}${front}:${two(whole % 60)}${decimals > 0 ? `.${fraction}` : ''}`;
}

/** How long ago or how long: 5 s, 3 min, 2 h, 4 days. */
export function spanText(seconds) {
    if (!Number.isFinite(seconds)) return '–';
    if (seconds < 90) return `${Math.floor(seconds)} s`;
    if (seconds < 5400) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 129600) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} days`;
}

/** Bytes: 512 B, 3.4 kB, 12 MB. */
export function bytesText(bytes) {
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];
    let unit = 0;
    let value = bytes;
    while (value >= 1000 && unit < units.length - 1) {
        value /= 1000;
        unit++;
    }
    return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A number with three significant digits and no needless zeros; – for none. */
export function numberText(value) {
    if (value === null || !Number.isFinite(value)) return '–';
    if (value === 0) return '0';
    if (Math.abs(value) >= 100) return String(Math.round(value));
    return String(Number(value.toPrecision(3)));
}

/** A difference in milliseconds with its sign: +1.234 ms. */
export function differenceText(seconds) {
    const ms = seconds * 1000;
    if (!Number.isFinite(ms)) return '–';
    const decimals = Math.abs(ms) < 100 ? 1 : 0;
    return `${ms < 0 ? '−' : '+'}${Math.abs(ms).toFixed(decimals)} ms`;
}

/** A speed: paused, 1×, 0.5×, −2×. */
export function speedText(speed) {
    if (speed === null || speed === undefined) return '–';
    if (speed === 0) return 'paused';
    return `${speed < 0 ? '−' : ''}${numberText(Math.abs(speed))}×`;
}
