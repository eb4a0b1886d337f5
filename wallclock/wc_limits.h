/*
 * Hard limits: what exchanges prove of the offset, server's clock minus local clock.
 *
 * Within one frame, times are seconds and offsets nanoseconds from those of the frame, as doubles:
 * the differences that matter are small, the absolute values are not.
 */
#ifndef WALLCLOCK_WC_LIMITS_H
#define WALLCLOCK_WC_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "dvbcss/wc_candidate.h"

/* What times and offsets count from. */
struct wc_frame {
    int64_t local_ns;
    int64_t offset_ns;
};

/* What one exchange proves: at one instant the offset is at most `upper_ns`, at another at least
 * `lower_ns`, both but for the error of reading the clocks. */
struct wc_limits {
    double upper_at_s;
    double upper_ns;
    double lower_at_s;
    double lower_ns;
};

/* The overlap of all that was proven, at one instant. */
struct wc_bracket {
    double at_s;
    double lower_ns;
    double upper_ns;
    /* What an end moves outwards by in a second. */
    double growth_ns_per_s;
};

/* The frame in which a first candidate is near zero. */
struct wc_frame wc_frame_at(const struct dvbcss_wc_candidate *candidate);

/* A time of the local clock in a frame. */
double wc_frame_time_s(struct wc_frame frame, int64_t local_ns);

/* What a candidate proves. */
struct wc_limits wc_limits_of(struct wc_frame frame, const struct dvbcss_wc_candidate *candidate);

/* The bracket of one exchange at an instant. `error_ns` is how far all readings together may be
 * off, `growth_ns_per_s` how fast the clocks may part. */
struct wc_bracket wc_bracket_of(const struct wc_limits *limits, double error_ns,
                                double growth_ns_per_s, double at_s);

/* The same bracket at another instant. */
struct wc_bracket wc_bracket_at(const struct wc_bracket *bracket, double at_s);

/* The overlap of two brackets of the same instant. Its growth is the second's, the newer. */
struct wc_bracket wc_bracket_overlap(const struct wc_bracket *older,
                                     const struct wc_bracket *newer);

/* Whether nothing is left of a bracket: no offset fits to all that it was made of. */
bool wc_bracket_empty(const struct wc_bracket *bracket);

#endif
