/*
 * The history of the tracking estimator: the best limits of the last minutes, and what follows from
 * them for frequency and offset of the server's clock. An estimate, which proves nothing: the
 * proof is in wc_limits.h.
 *
 * Delay only ever adds: an exchange that had to wait on its way there has a high upper limit, one
 * that had to wait on its way back a low lower limit, and the extremes of a span of time are the
 * exchanges (not the same for both) that waited least. So the history keeps the two extremes of
 * each span, a line through their middles gives the frequency, and the extremes of all spans, moved
 * to the present along it, the offset.
 *
 * If the extremes part for good, the path has become longer in one direction or both. The offset
 * that was known from the shorter path goes on along the frequency, and what the middles of the
 * longer path differ from it by is its asymmetry, which is corrected from then on. If they come
 * closer again, the shorter path is believed: it can be less wrong.
 *
 * If they move together, the server's clock has jumped by less than a round trip, and what came
 * before is forgotten.
 */
#ifndef WALLCLOCK_WC_HISTORY_H
#define WALLCLOCK_WC_HISTORY_H

#include <stdbool.h>

#include "wallclock/wc_limits.h"

#define WC_HISTORY_SPANS 64

/* What is kept of a span of time. */
struct wc_span {
    /* Its extremes. */
    struct wc_limits limits;
    /* How far apart the two limits of its quickest exchange are. */
    double quickest_ns;
};

struct wc_history {
    /* A ring. */
    struct wc_span spans[WC_HISTORY_SPANS];
    unsigned count;
    unsigned newest;
    double first_s;
    double newest_begin_s;
    /* How much the offset grows by per second, and how far that may be off. */
    double frequency_ns_per_s;
    double frequency_error_ns_per_s;
    /* What the frequency was known to be before these spans, how far off that may be, and when. */
    double prior_ns_per_s;
    double prior_error_ns_per_s;
    double prior_at_s;
    /* What the middles of the present path are corrected by. */
    double asymmetry_ns;
};

/* Takes the limits of an exchange in. `growth_ns_per_s` is how fast the clocks may part at most. */
void wc_history_add(struct wc_history *history, const struct wc_limits *limits,
                    double growth_ns_per_s);

/* The offset at an instant; only after something was added. */
double wc_history_offset_ns(const struct wc_history *history, double at_s);

/* Whether an exchange was about as quick as the quickest of a while: nothing can have delayed it
 * much, so that the truth is near the middle of its limits. Of a short history none is. */
bool wc_history_is_quick(const struct wc_history *history, const struct wc_limits *limits);

#endif
