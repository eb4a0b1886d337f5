/**
 * @file
 * Estimators: they set a wall clock from the candidates of CSS-WC, and know how far it may be off.
 *
 * An estimator owns the setting of one tunable clock, the wall clock, whose parent is the local
 * clock that the candidates were measured with. The wall clock is unavailable, its error bound
 * INFINITY, until the first candidate is adopted. From then on the bound covers the true error as
 * long as both clocks keep to their maximum frequency errors (TS 103 286-2 annex C.8).
 *
 * What all estimators share is here: claims, bounds, availability, the adjusted hook, and noticing
 * that the server's clock has jumped. What they differ in is behind `struct
 * dvbcss_wc_estimator_ops`, which a program can fill with an estimator of its own.
 *
 * An estimator belongs to the thread of its wall clock. It must go before the wall clock does.
 */
#ifndef DVBCSS_WC_ESTIMATOR_H
#define DVBCSS_WC_ESTIMATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/clock.h"
#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/time.h"
#include "dvbcss/wc_candidate.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An estimator of any kind. */
struct dvbcss_wc_estimator;

/** One adjustment of the wall clock. */
struct dvbcss_wc_adjustment {
    /** Local clock (ns) at the adjustment. */
    int64_t at_ns;
    /** What the wall clock showed right after it. */
    struct dvbcss_ticks time;
    /** By how much that is more than it would have shown without. */
    struct dvbcss_ticks adjustment;
    /** The error bound before and after, in seconds, and what it grows by per second. */
    double old_dispersion_s;
    double new_dispersion_s;
    double error_growth;
};

/** Called after each adjustment, before the wall clock's availability follows it. Must not use the
 * estimator but to read its dispersion. */
typedef void (*dvbcss_wc_adjusted)(void *user, const struct dvbcss_wc_adjustment *adjustment);

/** What every estimator is told. */
struct dvbcss_wc_estimator_options {
    /** The wall clock, a tunable clock whose parent runs at speed 1; required. */
    struct dvbcss_clock *wall_clock;
    /** The wall clock is unavailable while its error bound is above this many seconds; 0: it stays
     * available however far the bound grows. */
    double max_dispersion_s;
    /** After this many candidates in a row that contradict the wall clock but not each other, the
     * server's clock must have jumped: everything known of it is forgotten. Until then they are
     * not used. 0 uses them as any other, and never forgets. */
    unsigned jump_candidates;
    /** May be NULL. */
    dvbcss_wc_adjusted adjusted;
    /** Handed to @p adjusted. */
    void *user;
};

#define DVBCSS_WC_ESTIMATOR_OPTIONS_INIT                                                           \
    {                                                                                              \
        NULL, 0.0, 3, NULL, NULL                                                                   \
    }

/* ---- using one ------------------------------------------------------------------------------ */

/**
 * Makes the estimator that the standard recommends: adopts a candidate if its dispersion is lower
 * than the wall clock's at the same instant.
 *
 * @param out     the caller ends it with dvbcss_wc_estimator_destroy()
 * @param options copied
 * @return 0, DVBCSS_EINVAL (no wall clock, one that is not tunable, a parent with another speed
 *         than 1, a root whose largest frequency error is 10^6 ppm or more, a negative figure),
 *         DVBCSS_ENOMEM. The same codes hold for all estimators.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_lowest_dispersion_create(struct dvbcss_wc_estimator **out,
                                   const struct dvbcss_wc_estimator_options *options);

/** Makes an estimator that adopts each candidate; it follows a jump at once, whatever
 * `jump_candidates` says. */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_most_recent_create(struct dvbcss_wc_estimator **out,
                             const struct dvbcss_wc_estimator_options *options);

/** Ends an estimator, leaving the wall clock as it is; NULL is fine. */
DVBCSS_API void dvbcss_wc_estimator_destroy(struct dvbcss_wc_estimator *estimator);

/** The name of an estimator's kind, as "lowest-dispersion". */
DVBCSS_API const char *dvbcss_wc_estimator_name(const struct dvbcss_wc_estimator *estimator);

/**
 * Gives a candidate, or the news that there was none.
 *
 * @param candidate NULL for a request without answer
 * @param now_ns    local clock, not before the candidate's t4
 * @param outcome   filled; may be NULL
 * @return 0, or DVBCSS_ERANGE if the candidate's times cannot be expressed in ticks of the clocks
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_estimator_add(struct dvbcss_wc_estimator *estimator,
                                                        const struct dvbcss_wc_candidate *candidate,
                                                        int64_t now_ns,
                                                        struct dvbcss_wc_outcome *outcome);

/**
 * Lets time pass: makes the wall clock unavailable once its bound has grown too far. To be called
 * at the time that it returns, and after each dvbcss_wc_estimator_add(), which changes that time.
 *
 * @param now_ns local clock
 * @return local clock (ns) at which to call again; INT64_MAX for never
 */
DVBCSS_API int64_t dvbcss_wc_estimator_tick(struct dvbcss_wc_estimator *estimator, int64_t now_ns);

/** Forgets everything known of the server: the wall clock becomes unavailable and its bound
 * INFINITY until a candidate of the next server is adopted. Also for a machine that has slept while
 * its local clock stood still. */
DVBCSS_API void dvbcss_wc_estimator_reset(struct dvbcss_wc_estimator *estimator);

/** The wall clock's error bound at @p now_ns of the local clock, in seconds; INFINITY for
 * unknown. */
DVBCSS_API double dvbcss_wc_estimator_dispersion_s(const struct dvbcss_wc_estimator *estimator,
                                                   int64_t now_ns);

/** The largest error bound that the wall clock had since this was last asked, or since the
 * estimator was made: it peaks right before an adjustment, and at asking. Begins anew. */
DVBCSS_API double dvbcss_wc_estimator_worst_dispersion_s(struct dvbcss_wc_estimator *estimator,
                                                         int64_t now_ns);

/** What an estimator can tell of itself. */
struct dvbcss_wc_estimator_stats {
    /** How far the wall clock is ahead of the local clock now, in ns; 0 while its bound is
     * INFINITY. */
    int64_t offset_ns;
    /** How much faster the server's clock runs than the local one, as far as it was measured. */
    double frequency_ppm;
    /** The wall clock's error bound now, in seconds. */
    double dispersion_s;
    /** Candidates, and those among them that were useful, and that were doubted. */
    uint64_t exchanges;
    uint64_t useful;
    uint64_t doubted;
    /** Requests without answer, and jumps of the server's clock. */
    uint64_t losses;
    uint64_t jumps;
};

/**
 * Tells what an estimator has counted and what it knows; the counters live as long as it does.
 *
 * @param now_ns local clock
 */
DVBCSS_API void dvbcss_wc_estimator_stats(const struct dvbcss_wc_estimator *estimator,
                                          int64_t now_ns, struct dvbcss_wc_estimator_stats *out);

/**
 * A percentile of the round trips of all candidates: the time that @p share of them stayed below,
 * off by at most 1/16 of itself.
 *
 * @param share from 0 (the shortest) to 1 (the longest)
 * @return ns, or -1 while there was no candidate
 */
DVBCSS_API int64_t dvbcss_wc_estimator_rtt_ns(const struct dvbcss_wc_estimator *estimator,
                                              double share);

/* ---- filter and predict --------------------------------------------------------------------- */

/** What an estimator, a filter or a predictor gets to see of a candidate; valid during the call. */
struct dvbcss_wc_sample {
    /** NULL if a request stayed without answer; then only `now_ns` and
     * `current_dispersion_s` mean something. */
    const struct dvbcss_wc_candidate *candidate;
    /** Local clock. */
    int64_t now_ns;
    /** dvbcss_wc_candidate_claim() for the two clocks. */
    struct dvbcss_correlation claim;
    /** The error bound of a wall clock on that line at `now_ns`, in seconds. */
    double dispersion_s;
    /** The wall clock's own at `now_ns`. */
    double current_dispersion_s;
};

/** Decides which candidates are worth using. */
struct dvbcss_wc_filter {
    /** Whether the candidate passes; required. */
    bool (*accept)(void *state, const struct dvbcss_wc_sample *sample);
    /** Forgets the server; may be NULL. */
    void (*reset)(void *state);
    /** Frees the state; may be NULL. */
    void (*destroy)(void *state);
    void *state;
};

/** What a predictor wants the wall clock to do. */
struct dvbcss_wc_prediction {
    struct dvbcss_correlation correlation;
    /** 1 but for a correction of frequency. */
    double speed;
};

/** Makes a line of the candidates that passed the filters. */
struct dvbcss_wc_predictor {
    /** Takes a candidate in and predicts; false if there is nothing better than what the wall clock
     * does now. Required. */
    bool (*predict)(void *state, const struct dvbcss_wc_sample *sample,
                    struct dvbcss_wc_prediction *prediction);
    /** Forgets the server; may be NULL. */
    void (*reset)(void *state);
    /** Frees the state; may be NULL. */
    void (*destroy)(void *state);
    void *state;
};

/**
 * Makes an estimator that asks each filter in turn, the first that refuses ends it, then gives the
 * candidate to the predictor and adopts what that predicts.
 *
 * @param filters      copied; NULL if @p filter_count is 0
 * @param predictor    copied; NULL for dvbcss_wc_simple_predictor()
 * @note On success the estimator owns the filters' and the predictor's states and destroys them;
 *       on failure they stay the caller's.
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_filter_predict_create(struct dvbcss_wc_estimator **out,
                                const struct dvbcss_wc_estimator_options *options,
                                const struct dvbcss_wc_filter *filters, size_t filter_count,
                                const struct dvbcss_wc_predictor *predictor);

/**
 * Makes a filter that passes candidates with a round trip of at most @p max_rtt_ns.
 *
 * @param out to hand to dvbcss_wc_filter_predict_create(), or to end with its destroy()
 * @return 0, DVBCSS_EINVAL for a negative time, DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_rtt_filter_create(struct dvbcss_wc_filter *out,
                                                            int64_t max_rtt_ns);

/** A filter that passes candidates of a lower dispersion than the wall clock's at the same
 * instant. It holds no state. */
DVBCSS_API struct dvbcss_wc_filter dvbcss_wc_lowest_dispersion_filter(void);

/** A predictor that takes the last candidate as it is. It holds no state. */
DVBCSS_API struct dvbcss_wc_predictor dvbcss_wc_simple_predictor(void);

/* ---- making one of your own ----------------------------------------------------------------- */

/** What an estimator's kind does. `state` is its own, handed to dvbcss_wc_estimator_create(). */
struct dvbcss_wc_estimator_ops {
    /** Static text, as "lowest-dispersion". */
    const char *name;
    /**
     * Judges a candidate (or none) and calls dvbcss_wc_estimator_adopt() if the wall clock is to
     * change. Sees no candidate that contradicts the wall clock before the jump is believed.
     *
     * @param outcome wait_ns is -1 and the rest false; `adjusted`, `doubted` and `jumped` are
     * filled by the library, the others may be
     * @return 0 or an error, which dvbcss_wc_estimator_add() returns
     */
    int (*add)(void *state, struct dvbcss_wc_estimator *estimator,
               const struct dvbcss_wc_sample *sample, struct dvbcss_wc_outcome *outcome);
    /** Lets time pass, for estimators that steer between candidates; returns the local clock (ns)
     * at which it wants to be called again. NULL for never. */
    int64_t (*tick)(void *state, struct dvbcss_wc_estimator *estimator, int64_t now_ns);
    /** Forgets the server; NULL if there is nothing to forget. */
    void (*reset)(void *state);
    /** Frees the state; may be NULL. */
    void (*destroy)(void *state);
    /** Whether a candidate cannot be true along with those that were added. NULL compares what it
     * claims with the wall clock and its bound. */
    bool (*contradicts)(const void *state, const struct dvbcss_wc_sample *sample);
    /** How much faster the server's clock runs than the local one, in ppm; NULL for kinds that do
     * not measure it. */
    double (*frequency_ppm)(const void *state);
};

/**
 * Makes an estimator of a kind of the program's own.
 *
 * @param ops   kept; static
 * @param state belongs to the estimator if this succeeds, else stays the caller's
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_estimator_create(struct dvbcss_wc_estimator **out,
                           const struct dvbcss_wc_estimator_options *options,
                           const struct dvbcss_wc_estimator_ops *ops, void *state);

/**
 * Has the wall clock run along a line from now on; only from within `add` and `tick`. Updates the
 * worst dispersion and calls the adjusted hook.
 *
 * @param correlation its error without the local clock's precision, which the local clock
 *                    contributes; the kind answers for it
 * @param speed       1 but for a correction of frequency
 * @param now_ns      local clock
 * @return 0, DVBCSS_ERANGE or DVBCSS_EINVAL if the line cannot be used
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_estimator_adopt(struct dvbcss_wc_estimator *estimator,
                                                          struct dvbcss_correlation correlation,
                                                          double speed, int64_t now_ns);

/** The wall clock that the estimator sets. */
DVBCSS_API struct dvbcss_clock *
dvbcss_wc_estimator_wall_clock(const struct dvbcss_wc_estimator *estimator);

#ifdef __cplusplus
}
#endif

#endif
