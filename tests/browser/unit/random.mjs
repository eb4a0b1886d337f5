/* Random numbers that are the same in each run, and the distributions of the network models. */

/** A generator of numbers in [0, 1): mulberry32. */
export function seeded(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}

export function distributions(random) {
    const exponential = (mean) => -mean * Math.log(1 - random());
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return {
        random,
        exponential,
        normal,
        uniform: (low, high) => low + (high - low) * random(),
        logNormal: (middle, sigma) => middle * Math.exp(sigma * normal()),
        chance: (share) => random() < share,
    };
}
