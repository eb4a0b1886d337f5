#include "wc_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- pieces --------------------------------------------------------------------------------- */

static bool is_rejection(int verdict)
{
    return verdict != DVBCSS_WC_ACCEPTED && verdict != DVBCSS_WC_PROMISED;
}

/* A span for JSON: null for the -1 of none. */
static json_t *seconds(int64_t ns)
{
    return watch_json_number(ns < 0 ? NAN : (double)ns / 1e9);
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* How many datagrams were rejected, by reason. */
static json_t *describe_rejections(const struct dvbcss_wc_requester_stats *stats)
{
    json_t *rejected = json_object();

    for (int i = 0; i < DVBCSS_WC_VERDICT_COUNT; i++)
        if (is_rejection(i))
            json_object_set_new(rejected, dvbcss_wc_verdict_name((enum dvbcss_wc_verdict)i),
                                count(stats->verdicts[i]));
    return rejected;
}

/* The same for people, as "2 originate, 1 duplicate"; "none". */
static void write_rejections(const struct dvbcss_wc_requester_stats *stats, char *text, size_t size)
{
    size_t length = 0;

    snprintf(text, size, "none");
    for (int i = 0; i < DVBCSS_WC_VERDICT_COUNT; i++) {
        if (!is_rejection(i) || stats->verdicts[i] == 0 || length >= size)
            continue;
        length += (size_t)snprintf(text + length, size - length, "%s%llu %s", length ? ", " : "",
                                   (unsigned long long)stats->verdicts[i],
                                   dvbcss_wc_verdict_name((enum dvbcss_wc_verdict)i));
    }
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* What is known of the server's clock, and how well. */
static json_t *describe_clock(const struct wc_report_clock *clock)
{
    const struct dvbcss_wc_client_status *status = &clock->status;
    bool known = isfinite(status->dispersion_s);

    return json_pack(
        "{s:s, s:I, s:I, s:b, s:o, s:o, s:o, s:o}", "event", "clock", "local_ns",
        (json_int_t)clock->local_ns, "wall_ns", (json_int_t)clock->wall_ns, "available",
        status->available, "bound_s", watch_json_number(status->dispersion_s), "worst_bound_s",
        watch_json_number(clock->worst_bound_s), "offset_ns",
        known ? json_integer((json_int_t)status->estimate.offset_ns) : json_null(), "frequency_ppm",
        watch_json_number(known ? status->estimate.frequency_ppm : NAN));
}

/* What the exchanges so far were like, and what was no exchange. */
static json_t *describe_exchanges(const struct wc_report_clock *clock)
{
    const struct dvbcss_wc_client_status *status = &clock->status;
    double share = status->exchanges > 0 ? (double)status->useful / (double)status->exchanges : NAN;

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rtt_s",
                     seconds(status->rtt_last_ns), "rtt_p50_s", seconds(status->rtt_median_ns),
                     "rtt_p95_s", seconds(status->rtt_p95_ns), "exchanges",
                     count(status->exchanges), "useful", count(status->useful), "useful_share",
                     watch_json_number(share), "user_t1", count(clock->stamps.user_t1), "user_t4",
                     count(clock->stamps.user_t4), "timeouts", count(status->requests.timeouts),
                     "rejected", describe_rejections(&status->requests), "kernel_drops",
                     count(status->kernel_drops));
}

void wc_report_clock(struct watch *watch, const struct wc_report_clock *clock)
{
    json_t *line = describe_clock(clock);
    json_t *exchanges = describe_exchanges(clock);

    if (json_object_update(line, exchanges) != 0) {
        json_decref(line);
        line = NULL;
    }
    json_decref(exchanges);
    watch_print(watch, line);
}

static const char *stamp_word(unsigned flags, unsigned user)
{
    return flags & user ? "user" : "kernel";
}

void wc_report_exchange(struct watch *watch, const struct dvbcss_wc_exchange *exchange)
{
    const struct dvbcss_wc_candidate *candidate = &exchange->candidate;
    const char *t1_stamp = stamp_word(candidate->flags, DVBCSS_WC_USER_T1);
    const char *t4_stamp = stamp_word(candidate->flags, DVBCSS_WC_USER_T4);

    if (watch->json)
        watch_print(watch,
                    json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:b, s:b, s:o}",
                              "event", "exchange", "t1", (json_int_t)candidate->t1_ns, "t2",
                              (json_int_t)candidate->t2_ns, "t3", (json_int_t)candidate->t3_ns,
                              "t4", (json_int_t)candidate->t4_ns, "t1_stamp", t1_stamp, "t4_stamp",
                              t4_stamp, "offset_ns", (json_int_t)exchange->offset_ns, "rtt_ns",
                              (json_int_t)exchange->rtt_ns, "adjusted", exchange->outcome.adjusted,
                              "jumped", exchange->outcome.jumped, "bound_s",
                              watch_json_number(exchange->dispersion_s)));
    else
        watch_say(watch, "offset %lld ns  rtt %lld ns%s%s", (long long)exchange->offset_ns,
                  (long long)exchange->rtt_ns, exchange->outcome.adjusted ? "  adopted" : "",
                  exchange->outcome.jumped ? "  (the server's clock has jumped)" : "");
}

/* ---- the end -------------------------------------------------------------------------------- */

void wc_report_summary(struct watch *watch, const struct dvbcss_wc_client_status *status,
                       const struct wc_report_stamps *stamps)
{
    char rejections[160];

    if (isfinite(status->dispersion_s))
        watch_say(watch, "offset %lld ns  frequency %+.3f ppm  rtt %.3f ms (95 %%: %.3f ms)",
                  (long long)status->estimate.offset_ns, status->estimate.frequency_ppm,
                  (double)status->rtt_median_ns / 1e6, (double)status->rtt_p95_ns / 1e6);
    write_rejections(&status->requests, rejections, sizeof rejections);
    watch_say(watch, "%llu of %llu exchanges useful  %llu timeouts  rejected: %s",
              (unsigned long long)status->useful, (unsigned long long)status->exchanges,
              (unsigned long long)status->requests.timeouts, rejections);
    if (stamps->user_t1 > 0 || stamps->user_t4 > 0)
        watch_say(watch, "user-space times: %llu t1, %llu t4", (unsigned long long)stamps->user_t1,
                  (unsigned long long)stamps->user_t4);
}
