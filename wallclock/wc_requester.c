#include "dvbcss/wc_requester.h"

#include <math.h>

#include "dvbcss/alloc.h"
#include "dvbcss/time.h"
#include "wallclock/wc_wire.h"

/* How far the exchange of a request has come. */
enum progress {
    UNUSED,
    AWAITING,  /* no answer yet, the timeout is running */
    PROMISED,  /* an answer is held until its follow-up comes or does not */
    TIMED_OUT, /* reported as unanswered; a late answer may still be used */
    ANSWERED,  /* its candidate is out; remembered to tell duplicates */
};

/* A request and what is known of its exchange. */
struct exchange {
    enum progress progress;
    struct dvbcss_wc_time originate;
    /* When the timeout or the wait for the follow-up is over. */
    int64_t deadline_ns;
    /* Quality of the best answer so far; 0 for none. */
    int quality;
    /* t1 from the start; the rest once there is an answer. */
    struct dvbcss_wc_candidate candidate;
};

struct dvbcss_wc_requester {
    struct dvbcss_wc_requester_options options;
    struct dvbcss_wc_requester_stats stats;
    int64_t next_send_ns;
    /* The last request or timeout: what plans count from. */
    int64_t anchor_ns;
    unsigned burst_left;
    uint64_t jitter_random;
    size_t exchange_count;
    struct exchange exchanges[];
};

/* Room for answered and given-up requests beside the outstanding ones, so that late answers and
 * duplicates are told from forged ones. */
#define REMEMBERED 16

static int64_t later(int64_t time_ns, int64_t span_ns)
{
    return time_ns > INT64_MAX - span_ns ? INT64_MAX : time_ns + span_ns;
}

/* ---- life ----------------------------------------------------------------------------------- */

static bool span_valid(int64_t span_ns)
{
    return span_ns > 0 && span_ns <= DVBCSS_WC_SPAN_MAX_NS;
}

static bool figure_valid(double value, double limit)
{
    return value >= 0 && value < limit;
}

static bool options_valid(const struct dvbcss_wc_requester_options *options)
{
    return span_valid(options->interval_ns) && span_valid(options->retry_ns) &&
           span_valid(options->timeout_ns) && span_valid(options->follow_up_wait_ns) &&
           span_valid(options->usable_age_ns) && span_valid(options->burst_spacing_ns) &&
           options->jitter >= 0 && options->jitter <= 1 && options->outstanding >= 1 &&
           options->outstanding <= DVBCSS_WC_OUTSTANDING_MAX &&
           figure_valid(options->local_precision_s, INFINITY) &&
           figure_valid(options->local_max_freq_error_ppm, 1e6) &&
           figure_valid(options->stamp_error_s, INFINITY);
}

int dvbcss_wc_requester_create(struct dvbcss_wc_requester **out,
                               const struct dvbcss_wc_requester_options *options)
{
    struct dvbcss_wc_requester *requester;
    size_t count = (size_t)options->outstanding + REMEMBERED;

    if (!options_valid(options))
        return DVBCSS_EINVAL;
    requester = dvbcss_calloc(1, sizeof *requester + count * sizeof *requester->exchanges);
    if (!requester)
        return DVBCSS_ENOMEM;
    requester->options = *options;
    requester->exchange_count = count;
    dvbcss_wc_requester_restart(requester);
    *out = requester;
    return 0;
}

void dvbcss_wc_requester_destroy(struct dvbcss_wc_requester *requester)
{
    dvbcss_free(requester);
}

void dvbcss_wc_requester_restart(struct dvbcss_wc_requester *requester)
{
    for (size_t i = 0; i < requester->exchange_count; i++)
        requester->exchanges[i].progress = UNUSED;
    requester->burst_left = requester->options.burst_count;
    requester->next_send_ns = INT64_MIN;
    requester->anchor_ns = INT64_MIN;
}

const struct dvbcss_wc_requester_stats *
dvbcss_wc_requester_stats(const struct dvbcss_wc_requester *requester)
{
    return &requester->stats;
}

/* ---- when to ask ---------------------------------------------------------------------------- */

/* A wait drawn from wait * (1 - jitter) to wait * (1 + jitter). */
static int64_t jittered(struct dvbcss_wc_requester *requester, int64_t wait_ns)
{
    /* The steps of the splitmix64 generator: another draw from one random number. */
    uint64_t mixed = requester->jitter_random += UINT64_C(0x9e3779b97f4a7c15);
    double unit;

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    unit = (double)((mixed ^ mixed >> 31) >> 11) * 0x1p-52 - 1;
    return wait_ns + (int64_t)((double)wait_ns * requester->options.jitter * unit);
}

void dvbcss_wc_requester_plan(struct dvbcss_wc_requester *requester,
                              const struct dvbcss_wc_outcome *outcome)
{
    const struct dvbcss_wc_requester_options *options = &requester->options;
    int64_t wait_ns = outcome->wait_ns;

    if (requester->burst_left > 0)
        return;
    if (wait_ns < 0)
        wait_ns = jittered(requester, outcome->useful ? options->interval_ns : options->retry_ns);
    requester->next_send_ns = later(requester->anchor_ns, wait_ns);
}

void dvbcss_wc_requester_set_next(struct dvbcss_wc_requester *requester, int64_t at_ns)
{
    requester->burst_left = 0;
    requester->next_send_ns = at_ns;
}

int dvbcss_wc_requester_set_interval(struct dvbcss_wc_requester *requester, int64_t interval_ns,
                                     int64_t retry_ns)
{
    if (!span_valid(interval_ns) || !span_valid(retry_ns))
        return DVBCSS_EINVAL;
    requester->options.interval_ns = interval_ns;
    requester->options.retry_ns = retry_ns;
    return 0;
}

/* ---- what to do ----------------------------------------------------------------------------- */

static struct exchange *find_exchange(struct dvbcss_wc_requester *requester,
                                      struct dvbcss_wc_time originate)
{
    for (size_t i = 0; i < requester->exchange_count; i++) {
        struct exchange *exchange = &requester->exchanges[i];

        if (exchange->progress != UNUSED && dvbcss_wc_time_equal(exchange->originate, originate))
            return exchange;
    }
    return NULL;
}

static bool outstanding(const struct exchange *exchange)
{
    return exchange->progress == AWAITING || exchange->progress == PROMISED;
}

/* Gives a step to an exchange whose time is over. */
static void give_up(struct dvbcss_wc_requester *requester, struct exchange *exchange,
                    int64_t now_ns, struct dvbcss_wc_step *step)
{
    if (exchange->progress == PROMISED) {
        requester->stats.follow_ups_missed++;
        exchange->progress = ANSWERED;
        step->action = DVBCSS_WC_CANDIDATE;
        step->candidate = exchange->candidate;
    } else {
        requester->stats.timeouts++;
        exchange->progress = TIMED_OUT;
        exchange->candidate.flags |= DVBCSS_WC_LATE;
        requester->anchor_ns = now_ns;
        step->action = DVBCSS_WC_TIMEOUT;
    }
}

/* The place for a further request: an unused one, else the oldest that is over; NULL if too many
 * are outstanding. */
static struct exchange *place_for_request(struct dvbcss_wc_requester *requester)
{
    struct exchange *place = NULL;
    unsigned count = 0;

    for (size_t i = 0; i < requester->exchange_count; i++) {
        struct exchange *exchange = &requester->exchanges[i];

        if (outstanding(exchange))
            count++;
        else if (!place || exchange->progress == UNUSED ||
                 (place->progress != UNUSED && exchange->candidate.t1_ns < place->candidate.t1_ns))
            place = exchange;
    }
    return count < requester->options.outstanding ? place : NULL;
}

/* A timevalue that no remembered request has. Its words look like those of a time, for servers
 * that check. */
static struct dvbcss_wc_time draw_originate(struct dvbcss_wc_requester *requester, uint64_t random)
{
    struct dvbcss_wc_time originate;

    originate.seconds = (uint32_t)(random >> 32);
    originate.nanoseconds = (uint32_t)((random & UINT32_MAX) * (uint64_t)DVBCSS_NS_PER_S >> 32);
    while (find_exchange(requester, originate))
        originate.seconds++;
    return originate;
}

static void send_request(struct dvbcss_wc_requester *requester, struct exchange *exchange,
                         int64_t now_ns, uint64_t random, struct dvbcss_wc_step *step)
{
    const struct dvbcss_wc_requester_options *options = &requester->options;
    struct dvbcss_wc_message message = {0};

    message.originate = draw_originate(requester, random);
    *exchange = (struct exchange){.progress = AWAITING,
                                  .originate = message.originate,
                                  .deadline_ns = later(now_ns, options->timeout_ns)};
    exchange->candidate.t1_ns = now_ns;
    exchange->candidate.stamp_error_s = options->stamp_error_s;
    exchange->candidate.flags = DVBCSS_WC_USER_T1;
    requester->stats.sent++;
    requester->anchor_ns = now_ns;
    requester->jitter_random = random;
    if (requester->burst_left > 0)
        requester->burst_left--;
    requester->next_send_ns =
        later(now_ns, requester->burst_left > 0 ? options->burst_spacing_ns
                                                : jittered(requester, options->interval_ns));
    step->action = DVBCSS_WC_SEND;
    step->originate = message.originate;
    wc_put_message(step->request, &message);
}

void dvbcss_wc_requester_next(struct dvbcss_wc_requester *requester, int64_t now_ns,
                              uint64_t random, struct dvbcss_wc_step *step)
{
    struct exchange *place;
    int64_t wait_until_ns = INT64_MAX;

    for (size_t i = 0; i < requester->exchange_count; i++) {
        struct exchange *exchange = &requester->exchanges[i];

        if (!outstanding(exchange))
            continue;
        if (exchange->deadline_ns <= now_ns) {
            give_up(requester, exchange, now_ns, step);
            return;
        }
        if (exchange->deadline_ns < wait_until_ns)
            wait_until_ns = exchange->deadline_ns;
    }
    place = place_for_request(requester);
    if (place && requester->next_send_ns <= now_ns) {
        send_request(requester, place, now_ns, random, step);
        return;
    }
    if (place && requester->next_send_ns < wait_until_ns)
        wait_until_ns = requester->next_send_ns;
    step->action = DVBCSS_WC_WAIT;
    step->wait_until_ns = wait_until_ns;
}

static bool possible(const struct dvbcss_wc_requester *requester,
                     const struct dvbcss_wc_candidate *candidate)
{
    return dvbcss_wc_candidate_possible(candidate, requester->options.local_precision_s,
                                        requester->options.local_max_freq_error_ppm);
}

int dvbcss_wc_requester_sent(struct dvbcss_wc_requester *requester, struct dvbcss_wc_time originate,
                             int64_t t1_ns, bool kernel_stamp)
{
    struct exchange *exchange = find_exchange(requester, originate);
    struct dvbcss_wc_candidate corrected;

    if (!exchange || exchange->progress == ANSWERED)
        return DVBCSS_ENOENT;
    corrected = exchange->candidate;
    corrected.t1_ns = t1_ns;
    if (kernel_stamp)
        corrected.flags &= ~(unsigned)DVBCSS_WC_USER_T1;
    if (exchange->progress == PROMISED && !possible(requester, &corrected))
        return DVBCSS_ERANGE;
    exchange->candidate = corrected;
    return 0;
}

/* ---- what came back ------------------------------------------------------------------------- */

const char *dvbcss_wc_verdict_name(enum dvbcss_wc_verdict verdict)
{
    static const char *const names[DVBCSS_WC_VERDICT_COUNT] = {
#define VERDICT_NAME(name, text) text,
        DVBCSS_WC_VERDICT_MAP(VERDICT_NAME)
#undef VERDICT_NAME
    };

    return (unsigned)verdict < DVBCSS_WC_VERDICT_COUNT ? names[verdict] : "?";
}

int dvbcss_wc_answer_quality(enum dvbcss_wc_type type, bool older_request, int *out)
{
    static const int qualities[] = {
        [DVBCSS_WC_RESPONSE] = 3,
        [DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP] = 2,
        [DVBCSS_WC_FOLLOW_UP] = 4,
    };

    if (type == DVBCSS_WC_REQUEST || (unsigned)type > DVBCSS_WC_FOLLOW_UP)
        return DVBCSS_EMESSAGETYPE;
    *out = qualities[type] - (older_request ? 10 : 0);
    return 0;
}

static enum dvbcss_wc_verdict rejected_because(int error)
{
    switch (error) {
    case DVBCSS_ELENGTH:
        return DVBCSS_WC_REJECTED_LENGTH;
    case DVBCSS_EVERSION:
        return DVBCSS_WC_REJECTED_VERSION;
    default:
        return DVBCSS_WC_REJECTED_TYPE;
    }
}

/* The candidate that an exchange would be with this answer. */
static struct dvbcss_wc_candidate completed(const struct exchange *exchange,
                                            const struct dvbcss_wc_message *answer,
                                            const struct dvbcss_wc_arrival *arrival)
{
    struct dvbcss_wc_candidate candidate = exchange->candidate;

    candidate.t2_ns = dvbcss_wc_time_to_ns(answer->receive);
    candidate.t3_ns = dvbcss_wc_time_to_ns(answer->transmit);
    candidate.server_precision_s = dvbcss_wc_precision_decode(answer->precision);
    candidate.server_max_freq_error_ppm = dvbcss_wc_max_freq_error_decode(answer->max_freq_error);
    if (answer->type == DVBCSS_WC_FOLLOW_UP)
        candidate.flags |= DVBCSS_WC_FOLLOWED_UP;
    /* A follow-up tells when the answer before it left, so it is that answer's arrival that
     * belongs to it. Should it have overtaken that answer, its own is later and thus safe. */
    if (answer->type != DVBCSS_WC_FOLLOW_UP || exchange->quality == 0) {
        candidate.t4_ns = arrival->t4_ns;
        candidate.flags &= ~(unsigned)DVBCSS_WC_USER_T4;
        if (!arrival->kernel_stamp)
            candidate.flags |= DVBCSS_WC_USER_T4;
    }
    return candidate;
}

/* Takes an answer in whose candidate has passed all tests. */
static enum dvbcss_wc_verdict take(struct dvbcss_wc_requester *requester, struct exchange *exchange,
                                   enum dvbcss_wc_type type)
{
    if (type == DVBCSS_WC_RESPONSE_BEFORE_FOLLOW_UP) {
        exchange->progress = PROMISED;
        exchange->deadline_ns =
            later(exchange->candidate.t4_ns, requester->options.follow_up_wait_ns);
        return DVBCSS_WC_PROMISED;
    }
    exchange->progress = ANSWERED;
    return DVBCSS_WC_ACCEPTED;
}

static enum dvbcss_wc_verdict judge(struct dvbcss_wc_requester *requester,
                                    const struct dvbcss_wc_arrival *arrival,
                                    struct dvbcss_wc_candidate *out)
{
    struct dvbcss_wc_candidate candidate;
    struct dvbcss_wc_message answer;
    struct exchange *exchange;
    enum dvbcss_wc_verdict verdict;
    int quality;
    int error;

    if (!arrival->source_matches)
        return DVBCSS_WC_REJECTED_SOURCE;
    error = dvbcss_wc_message_decode(arrival->bytes, arrival->length, &answer, NULL);
    if (error)
        return rejected_because(error);
    if (dvbcss_wc_answer_quality(answer.type, false, &quality) != 0)
        return DVBCSS_WC_REJECTED_TYPE;
    exchange = find_exchange(requester, answer.originate);
    if (!exchange)
        return DVBCSS_WC_REJECTED_ORIGINATE;
    if (exchange->progress == ANSWERED || quality <= exchange->quality)
        return DVBCSS_WC_REJECTED_DUPLICATE;
    if (arrival->t4_ns > later(exchange->candidate.t1_ns, requester->options.usable_age_ns))
        return DVBCSS_WC_REJECTED_LATE;
    candidate = completed(exchange, &answer, arrival);
    if (candidate.t3_ns < candidate.t2_ns)
        return DVBCSS_WC_REJECTED_BACKWARDS;
    if (!possible(requester, &candidate))
        return DVBCSS_WC_REJECTED_RTT;
    exchange->candidate = candidate;
    exchange->quality = quality;
    verdict = take(requester, exchange, answer.type);
    if (verdict == DVBCSS_WC_ACCEPTED)
        *out = candidate;
    return verdict;
}

enum dvbcss_wc_verdict dvbcss_wc_requester_received(struct dvbcss_wc_requester *requester,
                                                    const struct dvbcss_wc_arrival *arrival,
                                                    struct dvbcss_wc_candidate *candidate)
{
    enum dvbcss_wc_verdict verdict = judge(requester, arrival, candidate);

    requester->stats.verdicts[verdict]++;
    return verdict;
}
