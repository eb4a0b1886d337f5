#include "wallclock/wc_limits.h"

#include <math.h>

/* Differences of 64-bit times need more than 64 bits. */
typedef __int128 wide;

struct wc_frame wc_frame_at(const struct dvbcss_wc_candidate *candidate)
{
    struct wc_frame frame = {candidate->t4_ns, dvbcss_wc_candidate_offset_ns(candidate)};

    return frame;
}

double wc_frame_time_s(struct wc_frame frame, int64_t local_ns)
{
    return (double)((wide)local_ns - frame.local_ns) / 1e9;
}

static double offset_ns(struct wc_frame frame, int64_t server_ns, int64_t local_ns)
{
    return (double)((wide)server_ns - local_ns - frame.offset_ns);
}

struct wc_limits wc_limits_of(struct wc_frame frame, const struct dvbcss_wc_candidate *candidate)
{
    struct wc_limits limits;

    limits.upper_at_s = wc_frame_time_s(frame, candidate->t1_ns);
    limits.upper_ns = offset_ns(frame, candidate->t2_ns, candidate->t1_ns);
    limits.lower_at_s = wc_frame_time_s(frame, candidate->t4_ns);
    limits.lower_ns = offset_ns(frame, candidate->t3_ns, candidate->t4_ns);
    return limits;
}

struct wc_bracket wc_bracket_of(const struct wc_limits *limits, double error_ns,
                                double growth_ns_per_s, double at_s)
{
    struct wc_bracket bracket;

    bracket.at_s = at_s;
    bracket.lower_ns =
        limits->lower_ns - error_ns - growth_ns_per_s * fabs(at_s - limits->lower_at_s);
    bracket.upper_ns =
        limits->upper_ns + error_ns + growth_ns_per_s * fabs(at_s - limits->upper_at_s);
    bracket.growth_ns_per_s = growth_ns_per_s;
    return bracket;
}

struct wc_bracket wc_bracket_at(const struct wc_bracket *bracket, double at_s)
{
    struct wc_bracket moved = *bracket;
    double grown_ns = bracket->growth_ns_per_s * fabs(at_s - bracket->at_s);

    moved.at_s = at_s;
    moved.lower_ns -= grown_ns;
    moved.upper_ns += grown_ns;
    return moved;
}

struct wc_bracket wc_bracket_overlap(const struct wc_bracket *older, const struct wc_bracket *newer)
{
    struct wc_bracket overlap = *newer;

    overlap.lower_ns = fmax(older->lower_ns, newer->lower_ns);
    overlap.upper_ns = fmin(older->upper_ns, newer->upper_ns);
    return overlap;
}

bool wc_bracket_empty(const struct wc_bracket *bracket)
{
    return bracket->lower_ns > bracket->upper_ns;
}
