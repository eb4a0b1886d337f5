/* Figures of samples. */

export function quantile(values, share) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** p50, p95 and the largest of the absolute values, and how many there are. */
export function summary(values) {
    const sizes = values.map(Math.abs);
    return {
        p50: quantile(sizes, 0.5),
        p95: quantile(sizes, 0.95),
        max: quantile(sizes, 1),
        count: sizes.length,
    };
}
