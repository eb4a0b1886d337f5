/**
 * @file
 * When to ask the server's wall clock: as seldom as the error bound allows, fast when something has
 * happened. A policy between any estimator and the requester; it decides spans and nothing else.
 *
 * After the requester's burst, requests are so far apart that the bound grows from one to the next
 * to the target at most; where the network does not allow the target, until it has doubled (asking
 * more often would hardly lower it). After a loss the next request follows soon, then slower and
 * slower; a candidate that is doubted is checked soon; a jump of the server's clock, a change of
 * network and the end of a sleep begin a burst.
 *
 *     dvbcss_wc_estimator_add(estimator, candidate, now_ns, &outcome);
 *     dvbcss_wc_poll_plan(&poll, requester, estimator, candidate, now_ns, &outcome);
 *
 * The second line stands in place of dvbcss_wc_requester_plan(). No allocation, no clock; one
 * thread at a time.
 */
#ifndef DVBCSS_WC_POLL_H
#define DVBCSS_WC_POLL_H

#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/wc_candidate.h"
#include "dvbcss/wc_estimator.h"
#include "dvbcss/wc_requester.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a policy works. Spans are in ns, above 0 and at most DVBCSS_WC_SPAN_MAX_NS. */
struct dvbcss_wc_poll_options {
    /** The shortest span from one request to the next while all is well. */
    int64_t floor_ns;
    /** The longest span; not below the floor. A jump of the server's clock stays unnoticed for so
     * long. */
    int64_t ceiling_ns;
    /** From a timeout, or a doubted candidate's request, to the next request; it doubles with each
     * further loss in a row up to the ceiling. */
    int64_t retry_ns;
    /** The error bound that is good enough, in seconds; not negative. */
    double target_s;
};

/** 1.2 s to 1.8 s, for the best bound with less than a request per second; 100 ms after a loss. */
#define DVBCSS_WC_POLL_OPTIONS_INIT                                                                \
    {                                                                                              \
        INT64_C(1200000000), INT64_C(1800000000), INT64_C(100000000), 0.0003                       \
    }

/** A policy. Storage of the caller, filled by dvbcss_wc_poll_init(); it needs no end. Its members
 * belong to the library. */
struct dvbcss_wc_poll {
    struct dvbcss_wc_poll_options options;
    /* What the bound falls to after an exchange, lately; INFINITY for unknown. */
    double base_s;
    unsigned losses;
    int64_t last_burst_ns;
};

/**
 * Sets a policy up.
 *
 * @param options copied
 * @return 0, or DVBCSS_EINVAL for an option out of its range (the policy is unchanged)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_poll_init(struct dvbcss_wc_poll *poll,
                                                    const struct dvbcss_wc_poll_options *options);

/**
 * Plans the next request after dvbcss_wc_estimator_add(). Sets the requester's interval and retry
 * span, and has it begin a burst after a jump, but not twice within ten seconds.
 *
 * @param candidate what was added; NULL for a request without answer
 * @param now_ns    local clock
 * @param outcome   what the estimator made of it; its `wait_ns`, if not negative, goes first
 */
DVBCSS_API void dvbcss_wc_poll_plan(struct dvbcss_wc_poll *poll,
                                    struct dvbcss_wc_requester *requester,
                                    const struct dvbcss_wc_estimator *estimator,
                                    const struct dvbcss_wc_candidate *candidate, int64_t now_ns,
                                    const struct dvbcss_wc_outcome *outcome);

/**
 * Begins anew with a burst at once: the network or the server has changed, or the machine has slept
 * (its local clock may have stood still meanwhile: dvbcss_wc_estimator_reset() as well).
 *
 * @param now_ns local clock
 */
DVBCSS_API void dvbcss_wc_poll_restart(struct dvbcss_wc_poll *poll,
                                       struct dvbcss_wc_requester *requester, int64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
