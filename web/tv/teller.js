/**
 * Decides when companions have to be told anew where the programme is. Pure: it reads no clock and
 * sends nothing.
 */

/* A line is told anew when the programme has left it by more: below that, telling is worse than not. */
const DRIFT_S = 0.004;
const PAUSED_S = 0.0005;

/** What is told: the programme's line against the wall clock. */
export class LineTeller {
    #told = null;

    /** Forgets what was told: the next look tells. */
    reset() {
        this.#told = null;
    }

    /**
     * @param {{available: boolean, positionS: number, speed: number}} view the programme now
     * @param {number} wallNs now
     * @returns {?{available: boolean, positionS: number, speed: number, wallNs: number}} what to tell
     *     companions; null if what they know is still right
     */
    look(view, wallNs) {
        if (this.#told && !this.#differs(view, wallNs)) return null;
        this.#told = { ...view, wallNs };
        return this.#told;
    }

    /** Where companions take the programme to be, in s; NaN if it is not available to them. */
    positionAt(wallNs) {
        if (!this.#told?.available) return NaN;
        return this.#told.positionS + ((wallNs - this.#told.wallNs) / 1e9) * this.#told.speed;
    }

    /** Since when they do, in ns of the wall clock. */
    get sinceNs() {
        return this.#told?.wallNs ?? Infinity;
    }

    #differs(view, wallNs) {
        if (view.available !== this.#told.available) return true;
        if (!view.available) return false;
        if (view.speed !== this.#told.speed) return true;
        const drift = Math.abs(view.positionS - this.positionAt(wallNs));
        return drift > (view.speed === 0 ? PAUSED_S : DRIFT_S);
    }
}
