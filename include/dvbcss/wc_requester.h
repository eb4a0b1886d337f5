/**
 * @file
 * The asking side of CSS-WC: when to send what, and which datagrams answer it. TS 103 286-2
 * clause 8.
 *
 * A state machine without input or output. The program calls dvbcss_wc_requester_next() until it
 * says "wait", does what it says, hands in every datagram that arrives, gives each candidate to an
 * estimator and the estimator's outcome back:
 *
 *     for (;;) {
 *         dvbcss_wc_requester_next(requester, now_ns, random, &step);
 *         switch (step.action) {
 *         case DVBCSS_WC_SEND:      send(step.request); break;
 *         case DVBCSS_WC_CANDIDATE: add(&step.candidate); plan(outcome); break;
 *         case DVBCSS_WC_TIMEOUT:   add(NULL); plan(outcome); break;
 *         case DVBCSS_WC_WAIT:      set_timer(step.wait_until_ns); return;
 *         }
 *     }
 *
 * All times are nanoseconds of the local clock, the parent of the wall clock. It is monotonic and
 * stays below 2^62 ns, which is 146 years.
 * The originate timevalue of each request is random, so that nobody can answer who has not seen
 * the request, and tells the server nothing about the local clock.
 *
 * A requester belongs to one thread at a time. It allocates only when it is created.
 */
#ifndef DVBCSS_WC_REQUESTER_H
#define DVBCSS_WC_REQUESTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/wc.h"
#include "dvbcss/wc_candidate.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The asking side for one server. */
struct dvbcss_wc_requester;

/** How a requester works. Spans are in ns, above 0 and at most DVBCSS_WC_SPAN_MAX_NS. */
struct dvbcss_wc_requester_options {
    /** From one request to the next while the candidates are useful. */
    int64_t interval_ns;
    /** The same after a timeout or a candidate that was not useful. */
    int64_t retry_ns;
    /** How long to wait for an answer before the timeout is reported. */
    int64_t timeout_ns;
    /** How long to wait for a promised follow-up, from the answer that promised it. */
    int64_t follow_up_wait_ns;
    /** An answer may be used this long after its request, though the timeout was reported. */
    int64_t usable_age_ns;
    /** How many requests go out quickly at the start; 0 for none. */
    unsigned burst_count;
    /** From one request of the burst to the next. */
    int64_t burst_spacing_ns;
    /** Each wait is drawn from wait * (1 - jitter) to wait * (1 + jitter); 0 to 1. */
    double jitter;
    /** How many requests may be without an answer at once, 1 to DVBCSS_WC_OUTSTANDING_MAX. */
    unsigned outstanding;
    /** The local clock's precision in seconds, not negative: dvbcss_clock_root_precision_s(). */
    double local_precision_s;
    /** The local clock's largest frequency error in ppm, from 0 to below 10^6:
     * dvbcss_clock_root_max_freq_error_ppm(). */
    double local_max_freq_error_ppm;
    /** Goes into each candidate's stamp_error_s; not negative. */
    double stamp_error_s;
};

/** The longest span that the options may name: a day. */
#define DVBCSS_WC_SPAN_MAX_NS (INT64_C(86400) * 1000000000)

/** The most requests that may be outstanding. */
#define DVBCSS_WC_OUTSTANDING_MAX 1024

/** A burst of 8 at 10 ms, then each second, each 200 ms while that does not help. */
#define DVBCSS_WC_REQUESTER_OPTIONS_INIT                                                           \
    {                                                                                              \
        INT64_C(1000000000), INT64_C(200000000), INT64_C(200000000), INT64_C(200000000),           \
            INT64_C(1000000000), 8, INT64_C(10000000), 0.1, 32, 1e-6, 500.0, 0.0                   \
    }

/**
 * Makes a requester, ready to send its first request at once.
 *
 * @param out     the caller ends it with dvbcss_wc_requester_destroy()
 * @param options copied
 * @return 0, DVBCSS_EINVAL for an option out of its range, DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_requester_create(struct dvbcss_wc_requester **out,
                           const struct dvbcss_wc_requester_options *options);

/** Ends a requester; NULL is fine. */
DVBCSS_API void dvbcss_wc_requester_destroy(struct dvbcss_wc_requester *requester);

/* ---- what to do ----------------------------------------------------------------------------- */

/** What the program is to do. */
enum dvbcss_wc_action {
    /** Call again at `wait_until_ns`, or once a datagram was received or a plan made. */
    DVBCSS_WC_WAIT,
    /** Send `request` to the server now. */
    DVBCSS_WC_SEND,
    /** Use `candidate`: the promised follow-up did not come, and the answer stands as it is. */
    DVBCSS_WC_CANDIDATE,
    /** Tell the estimator that a request stayed without answer. */
    DVBCSS_WC_TIMEOUT,
};

/** One thing to do; which members are set depends on `action`. */
struct dvbcss_wc_step {
    enum dvbcss_wc_action action;
    /** DVBCSS_WC_WAIT: local time in ns; never before the now that was given. */
    int64_t wait_until_ns;
    /** DVBCSS_WC_SEND: the datagram. */
    uint8_t request[DVBCSS_WC_MESSAGE_SIZE];
    /** DVBCSS_WC_SEND: what names the request from now on. */
    struct dvbcss_wc_time originate;
    /** DVBCSS_WC_CANDIDATE. */
    struct dvbcss_wc_candidate candidate;
};

/**
 * Tells what to do next. After DVBCSS_WC_SEND the request counts as sent at @p now_ns until
 * dvbcss_wc_requester_sent() knows better; if sending fails, leave it: it will time out.
 *
 * @param now_ns local clock
 * @param random 64 bits that nobody can guess, new in each call; they become the originate
 *               timevalue and the jitter
 * @param step   filled
 */
DVBCSS_API void dvbcss_wc_requester_next(struct dvbcss_wc_requester *requester, int64_t now_ns,
                                         uint64_t random, struct dvbcss_wc_step *step);

/**
 * Corrects the time at which a request left, for kernels that tell it afterwards. Candidates made
 * from its answer from now on use it.
 *
 * @param originate    of the step that sent it
 * @param t1_ns        local clock
 * @param kernel_stamp whether the kernel stamped it; a candidate otherwise says that it did not
 * @return 0, DVBCSS_ENOENT if the request's candidate is out already or the request forgotten,
 *         DVBCSS_ERANGE if the answer that came before could not be one to a request of that time
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_requester_sent(struct dvbcss_wc_requester *requester,
                                                         struct dvbcss_wc_time originate,
                                                         int64_t t1_ns, bool kernel_stamp);

/* ---- what came back ------------------------------------------------------------------------- */

/** What became of a datagram: enumerator, short stable name for counters and logs. */
#define DVBCSS_WC_VERDICT_MAP(X)                                                                   \
    X(ACCEPTED, "accepted")                                                                        \
    X(PROMISED, "promised")                                                                        \
    X(REJECTED_SOURCE, "source")                                                                   \
    X(REJECTED_LENGTH, "length")                                                                   \
    X(REJECTED_VERSION, "version")                                                                 \
    X(REJECTED_TYPE, "type")                                                                       \
    X(REJECTED_ORIGINATE, "originate")                                                             \
    X(REJECTED_LATE, "late")                                                                       \
    X(REJECTED_DUPLICATE, "duplicate")                                                             \
    X(REJECTED_BACKWARDS, "backwards")                                                             \
    X(REJECTED_RTT, "rtt")

/**
 * What dvbcss_wc_requester_received() made of a datagram. ACCEPTED: the candidate is filled.
 * PROMISED: an answer that a follow-up will improve; dvbcss_wc_requester_next() gives the candidate
 * if it does not. ORIGINATE: answers no request that is remembered. LATE: older than may be used.
 * DUPLICATE: nothing better than what came before. BACKWARDS: transmitted before it was received.
 * RTT: a negative round trip beyond what the precisions explain.
 */
enum dvbcss_wc_verdict {
#define DVBCSS_WC_VERDICT_ENUM(name, text) DVBCSS_WC_##name,
    DVBCSS_WC_VERDICT_MAP(DVBCSS_WC_VERDICT_ENUM)
#undef DVBCSS_WC_VERDICT_ENUM
    /** How many verdicts there are. */
    DVBCSS_WC_VERDICT_COUNT,
};

/** The short name of a verdict: "accepted", "originate", ...; "?" for an unknown one. */
DVBCSS_API const char *dvbcss_wc_verdict_name(enum dvbcss_wc_verdict verdict);

/** A datagram that arrived. */
struct dvbcss_wc_arrival {
    const void *bytes;
    /** The true length, not cut to the size of a buffer. */
    size_t length;
    /** Local clock (ns) when it arrived. */
    int64_t t4_ns;
    /** Whether it came from the address and port that the requests go to. */
    bool source_matches;
    /** Whether the kernel told t4. */
    bool kernel_stamp;
};

/**
 * Judges a datagram. t4 is the arrival of the first answer to a request also when a follow-up
 * tells its t3.
 *
 * @param candidate filled for DVBCSS_WC_ACCEPTED, otherwise unchanged
 * @return the verdict, which is counted
 */
DVBCSS_API enum dvbcss_wc_verdict
dvbcss_wc_requester_received(struct dvbcss_wc_requester *requester,
                             const struct dvbcss_wc_arrival *arrival,
                             struct dvbcss_wc_candidate *candidate);

/**
 * How good an answer is: 4 a follow-up, 3 a plain response, 2 one before a follow-up; 10 less for
 * an answer to an older request.
 *
 * @param out unchanged on error
 * @return 0, or DVBCSS_EMESSAGETYPE for a type that answers nothing
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_wc_answer_quality(enum dvbcss_wc_type type,
                                                         bool older_request, int *out);

/* ---- when to ask ---------------------------------------------------------------------------- */

/**
 * Plans the next request from what the estimator made of the last candidate or timeout: after the
 * interval if it was useful, after the retry span if not, after `wait_ns` exactly if that is not
 * negative; counted from the last request or timeout. During a burst the burst goes on.
 */
DVBCSS_API void dvbcss_wc_requester_plan(struct dvbcss_wc_requester *requester,
                                         const struct dvbcss_wc_outcome *outcome);

/** Has the next request sent at a time of the program's choice (now or earlier: at once), which
 * ends a burst. The plans made after it hold again. */
DVBCSS_API void dvbcss_wc_requester_set_next(struct dvbcss_wc_requester *requester, int64_t at_ns);

/**
 * Changes interval and retry span for the plans from now on.
 *
 * @return 0 or DVBCSS_EINVAL for a span out of its range
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_wc_requester_set_interval(struct dvbcss_wc_requester *requester, int64_t interval_ns,
                                 int64_t retry_ns);

/** Forgets all requests and starts with a burst at once: for another server or another path to it,
 * or after the machine slept. The counters stay. */
DVBCSS_API void dvbcss_wc_requester_restart(struct dvbcss_wc_requester *requester);

/** What a requester has counted. */
struct dvbcss_wc_requester_stats {
    uint64_t sent;
    /** Requests without an answer in time. */
    uint64_t timeouts;
    /** Promised follow-ups that did not come. */
    uint64_t follow_ups_missed;
    /** Datagrams by verdict. */
    uint64_t verdicts[DVBCSS_WC_VERDICT_COUNT];
};

/** The counters; they live as long as the requester. */
DVBCSS_API const struct dvbcss_wc_requester_stats *
dvbcss_wc_requester_stats(const struct dvbcss_wc_requester *requester);

#ifdef __cplusplus
}
#endif

#endif
