#include "wallclock/wc_history.h"

#include <math.h>

/* A span is an eighth of the history's age, within these limits. */
#define SPAN_MIN_S 0.25
#define SPAN_MAX_S 8.0
#define SPANS_PER_AGE 8.0

/* How fast the frequencies of quartz clocks in a home wander: what an old span's middle is worth
 * less, in ns per second of age. */
#define WANDER_NS_PER_S 100.0

/* The frequency error below which the history does not trust its own measurement, in ns per s. */
#define FREQUENCY_ERROR_MIN_NS_PER_S 500.0

/* No clock that is worth following is off by more; more would have the wall clock run at odd speeds
 * because of a server that claims to be no clock at all. */
#define FREQUENCY_MAX_NS_PER_S 1e6

/* What the middle of the best span may be off by: stamps, and a share of the delay. */
#define MIDDLE_ERROR_NS 2000.0
#define MIDDLE_ERROR_SHARE 0.01

/* A path has become longer if the quickest exchanges of so many spans in a row are slower than all
 * those before by so many times what they differ by among themselves, and by such a share. What
 * differs by less than that share is about the same. */
#define PATH_SPANS 6
#define PATH_CHANGE 4.0
#define PATH_CHANGE_SHARE 0.25

/* How fast the frequency itself may drift: a room that warms up, in ns per second and second. */
#define DRIFT_NS_PER_S2 1.0

/* What the frequency is still known to after a change of path, in ns per second. */
#define FREQUENCY_KEPT_NS_PER_S 300.0

static double square(double value)
{
    return value * value;
}

/* Where a limit stands at another instant if the clocks part at the measured frequency. */
static double moved_ns(const struct wc_history *history, double ns, double from_s, double to_s)
{
    return ns + history->frequency_ns_per_s * (to_s - from_s);
}

/* The span of a given age, 0 for the newest. */
static const struct wc_span *span_of(const struct wc_history *history, unsigned age)
{
    return &history->spans[(history->newest + WC_HISTORY_SPANS - age) % WC_HISTORY_SPANS];
}

/* The middle of limits at the time between them, and how far they are apart. */
struct middle {
    double at_s;
    double ns;
    double width_ns;
};

static struct middle middle_of(const struct wc_history *history, const struct wc_limits *limits)
{
    double at_s = (limits->upper_at_s + limits->lower_at_s) / 2;
    double upper_ns = moved_ns(history, limits->upper_ns, limits->upper_at_s, at_s);
    double lower_ns = moved_ns(history, limits->lower_ns, limits->lower_at_s, at_s);

    return (struct middle){at_s, (upper_ns + lower_ns) / 2, upper_ns - lower_ns};
}

/* ---- spans ---------------------------------------------------------------------------------- */

static void tighten(const struct wc_history *history, struct wc_limits *span,
                    const struct wc_limits *limits)
{
    if (limits->upper_ns <=
        moved_ns(history, span->upper_ns, span->upper_at_s, limits->upper_at_s)) {
        span->upper_ns = limits->upper_ns;
        span->upper_at_s = limits->upper_at_s;
    }
    if (limits->lower_ns >=
        moved_ns(history, span->lower_ns, span->lower_at_s, limits->lower_at_s)) {
        span->lower_ns = limits->lower_ns;
        span->lower_at_s = limits->lower_at_s;
    }
}

static void put(struct wc_history *history, const struct wc_limits *limits)
{
    double now_s = limits->lower_at_s;
    double span_s = fmin(fmax((now_s - history->first_s) / SPANS_PER_AGE, SPAN_MIN_S), SPAN_MAX_S);
    double width_ns = middle_of(history, limits).width_ns;

    if (history->count == 0)
        history->first_s = now_s;
    else if (now_s - history->newest_begin_s < span_s) {
        struct wc_span *span = &history->spans[history->newest];

        tighten(history, &span->limits, limits);
        span->quickest_ns = fmin(span->quickest_ns, width_ns);
        return;
    }
    history->newest = (history->newest + 1) % WC_HISTORY_SPANS;
    history->spans[history->newest] = (struct wc_span){*limits, width_ns};
    history->newest_begin_s = now_s;
    if (history->count < WC_HISTORY_SPANS)
        history->count++;
}

/* ---- offset --------------------------------------------------------------------------------- */

/* Where the spans of some ages overlap at an instant, widened by the error of the frequency. Not in
 * order, as upper below lower, if nothing is left. */
struct overlap {
    double upper_ns;
    double lower_ns;
};

static struct overlap overlap_of(const struct wc_history *history, unsigned first, unsigned end,
                                 double at_s)
{
    struct overlap overlap = {INFINITY, -INFINITY};

    for (unsigned i = first; i < end; i++) {
        const struct wc_limits *span = &span_of(history, i)->limits;
        double upper_age_s = at_s - span->upper_at_s;
        double lower_age_s = at_s - span->lower_at_s;

        overlap.upper_ns =
            fmin(overlap.upper_ns, span->upper_ns + history->frequency_ns_per_s * upper_age_s +
                                       history->frequency_error_ns_per_s * fabs(upper_age_s));
        overlap.lower_ns =
            fmax(overlap.lower_ns, span->lower_ns + history->frequency_ns_per_s * lower_age_s -
                                       history->frequency_error_ns_per_s * fabs(lower_age_s));
    }
    return overlap;
}

static double overlap_middle_ns(const struct wc_history *history, unsigned first, unsigned end,
                                double at_s)
{
    struct overlap overlap = overlap_of(history, first, end, at_s);

    return (overlap.upper_ns + overlap.lower_ns) / 2;
}

double wc_history_offset_ns(const struct wc_history *history, double at_s)
{
    return overlap_middle_ns(history, 0, history->count, at_s) + history->asymmetry_ns;
}

/* ---- frequency ------------------------------------------------------------------------------ */

/* The two ways' shortest delays together, as far as spans from an age on know them. */
static double floor_ns(const struct wc_history *history, unsigned first, double now_s)
{
    struct overlap overlap = overlap_of(history, first, history->count, now_s);

    return fmax(0, overlap.upper_ns - overlap.lower_ns);
}

/* What a middle counts for: one over the square of how far it may be off. A span that is wider than
 * the shortest delays was delayed by the difference, on one side perhaps. */
static double weight_of(const struct middle *middle, double shortest_ns, double now_s)
{
    double error_ns = MIDDLE_ERROR_NS + MIDDLE_ERROR_SHARE * shortest_ns +
                      fmax(0, middle->width_ns - shortest_ns) / 2;

    return 1 / (square(error_ns) + square(WANDER_NS_PER_S * (now_s - middle->at_s)));
}

/* One over the variance of what was known before, which ages. */
static double prior_certainty(const struct wc_history *history, double now_s)
{
    return 1 / (square(history->prior_error_ns_per_s) +
                square(DRIFT_NS_PER_S2 * (now_s - history->prior_at_s)));
}

/* Regression through the middles of the spans from an age on, with what was known before as one
 * more observation. */
static void fit(struct wc_history *history, unsigned first, double growth_ns_per_s, double now_s)
{
    struct middle middles[WC_HISTORY_SPANS];
    unsigned count = history->count - first;
    double shortest_ns = floor_ns(history, first, now_s);
    double weights = 0, mean_s = 0, mean_ns = 0;
    double certainty = prior_certainty(history, now_s);
    double moment = certainty * history->prior_ns_per_s;
    double limit_ns_per_s;

    for (unsigned i = 0; i < count; i++)
        middles[i] = middle_of(history, &span_of(history, first + i)->limits);
    for (unsigned i = 0; i < count; i++) {
        double weight = weight_of(&middles[i], shortest_ns, now_s);

        weights += weight;
        mean_s += weight * middles[i].at_s;
        mean_ns += weight * middles[i].ns;
    }
    mean_s /= weights;
    mean_ns /= weights;
    for (unsigned i = 0; i < count; i++) {
        double weight = weight_of(&middles[i], shortest_ns, now_s);

        moment += weight * (middles[i].at_s - mean_s) * (middles[i].ns - mean_ns);
        certainty += weight * square(middles[i].at_s - mean_s);
    }
    limit_ns_per_s = fmin(growth_ns_per_s, FREQUENCY_MAX_NS_PER_S);
    history->frequency_ns_per_s = fmax(-limit_ns_per_s, fmin(limit_ns_per_s, moment / certainty));
    history->frequency_error_ns_per_s =
        fmin(FREQUENCY_ERROR_MIN_NS_PER_S + 2 / sqrt(certainty), growth_ns_per_s);
}

/* ---- changes of path ------------------------------------------------------------------------ */

/* How quick the quickest exchanges of some spans were: between least and most. */
struct widths {
    double least_ns;
    double most_ns;
};

static struct widths widths_of(const struct wc_history *history, unsigned first, unsigned end)
{
    struct widths widths = {INFINITY, 0};

    for (unsigned i = first; i < end; i++) {
        double quickest_ns = span_of(history, i)->quickest_ns;

        widths.least_ns = fmin(widths.least_ns, quickest_ns);
        widths.most_ns = fmax(widths.most_ns, quickest_ns);
    }
    return widths;
}

/* Starts anew with the latest spans, which tell of another path than those before. */
static void keep_latest(struct wc_history *history, unsigned count, double now_s)
{
    history->prior_ns_per_s = history->frequency_ns_per_s;
    history->prior_error_ns_per_s =
        fmax(FREQUENCY_KEPT_NS_PER_S, history->frequency_error_ns_per_s);
    history->prior_at_s = now_s;
    history->count = count;
}

/* Whether the path has become longer: the latest spans are slower than all before, by more than
 * they differ among themselves. */
static bool longer(const struct wc_history *history)
{
    struct widths recent, before;

    if (history->count < 2 * PATH_SPANS)
        return false;
    recent = widths_of(history, 0, PATH_SPANS);
    before = widths_of(history, PATH_SPANS, history->count);
    return recent.least_ns - before.least_ns >
           fmax(PATH_CHANGE * (recent.most_ns - recent.least_ns),
                PATH_CHANGE_SHARE * before.least_ns);
}

/* Whether the path has become shorter than the one whose asymmetry was corrected: one exchange
 * shows it, since no delay makes limits narrower. */
static bool shorter(const struct wc_history *history)
{
    double newest_ns = span_of(history, 0)->quickest_ns;

    return history->asymmetry_ns != 0 && history->count > 1 &&
           newest_ns < (1 - PATH_CHANGE_SHARE) * widths_of(history, 1, history->count).least_ns;
}

/* Whether the spans of some ages tell of the same offset: where they overlap is about as wide as
 * the quickest exchange. */
static bool agree(const struct wc_history *history, unsigned first, unsigned end, double now_s)
{
    struct overlap overlap = overlap_of(history, first, end, now_s);

    return overlap.upper_ns - overlap.lower_ns >=
           (1 - PATH_CHANGE_SHARE) * widths_of(history, first, end).least_ns;
}

/* Whether the server's clock has jumped: the latest spans agree, and so do those before, but not
 * with each other. The span between them may have seen the jump, and belongs to neither. */
static bool jumped(const struct wc_history *history, double now_s)
{
    return agree(history, 0, PATH_SPANS, now_s) &&
           agree(history, PATH_SPANS + 1, history->count, now_s) &&
           !agree(history, 0, history->count, now_s);
}

/* Forgets what was before a jump but for the frequency, which would take the jump for drift if it
 * were measured across it. */
static bool forget_before_jump(struct wc_history *history, double growth_ns_per_s, double now_s)
{
    struct wc_history before = *history;

    if (history->count <= 2 * PATH_SPANS)
        return false;
    fit(&before, PATH_SPANS + 1, growth_ns_per_s, now_s);
    if (!jumped(&before, now_s))
        return false;
    keep_latest(&before, PATH_SPANS, now_s);
    *history = before;
    return true;
}

bool wc_history_is_quick(const struct wc_history *history, const struct wc_limits *limits)
{
    return history->count >= PATH_SPANS &&
           middle_of(history, limits).width_ns <
               (1 + PATH_CHANGE_SHARE) * widths_of(history, 0, history->count).least_ns;
}

static void watch_path(struct wc_history *history, double growth_ns_per_s, double now_s)
{
    if (forget_before_jump(history, growth_ns_per_s, now_s))
        return;
    if (longer(history)) {
        history->asymmetry_ns += overlap_middle_ns(history, PATH_SPANS, history->count, now_s) -
                                 overlap_middle_ns(history, 0, PATH_SPANS, now_s);
        keep_latest(history, PATH_SPANS, now_s);
    } else if (shorter(history)) {
        history->asymmetry_ns = 0;
        keep_latest(history, 1, now_s);
    }
}

void wc_history_add(struct wc_history *history, const struct wc_limits *limits,
                    double growth_ns_per_s)
{
    /* Before anything is measured, 0 give or take half of what the clocks may part by. */
    if (history->count == 0) {
        history->prior_error_ns_per_s = fmax(growth_ns_per_s, FREQUENCY_ERROR_MIN_NS_PER_S) / 2;
        history->prior_at_s = limits->lower_at_s;
    }
    put(history, limits);
    watch_path(history, growth_ns_per_s, limits->lower_at_s);
    fit(history, 0, growth_ns_per_s, limits->lower_at_s);
}
