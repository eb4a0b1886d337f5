#include "accuracy_report.h"

#include <inttypes.h>
#include <math.h>

enum { TIME_SIZE = 32 };

uint64_t accuracy_report_requests(const struct accuracy_report *report)
{
    return report->network->direction[IMPAIR_UP].received;
}

double accuracy_report_requests_hz(const struct accuracy_report *report)
{
    return (double)accuracy_report_requests(report) / report->duration_s;
}

const char *accuracy_report_time(double seconds, char *text)
{
    double size = fabs(seconds);

    if (!isfinite(seconds))
        snprintf(text, TIME_SIZE, "-");
    else if (size < 1e-3)
        snprintf(text, TIME_SIZE, "%.1f us", seconds * 1e6);
    else if (size < 1)
        snprintf(text, TIME_SIZE, "%.3f ms", seconds * 1e3);
    else
        snprintf(text, TIME_SIZE, "%.3f s", seconds);
    return text;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *percentiles(const struct accuracy_percentiles *values)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "p50", number(values->p50), "p95", number(values->p95),
                     "p99", number(values->p99), "max", number(values->max));
}

static json_t *setting_json(const struct accuracy_report *report)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:s?, s:o, s:f, s:f, s:f, s:f}", "model", report->model,
                     "seed", (json_int_t)report->seed, "server", report->server, "client",
                     report->client, "estimator", report->estimator, "skew_ppm",
                     number(report->skew_ppm), "duration_s", report->duration_s, "settle_s",
                     report->rules->settle_s, "grace_s", report->rules->grace_s, "truth_error_s",
                     report->rules->truth_error_s);
}

static json_t *reached_json(const struct accuracy_result *result)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "lock", number(result->lock_s), "10_ms",
                     number(result->reached_s[0]), "5_ms", number(result->reached_s[1]), "1_ms",
                     number(result->reached_s[2]), "recovery", number(result->recovery_s));
}

json_t *accuracy_report_json(const struct accuracy_report *report)
{
    const struct accuracy_result *result = report->result;

    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:f, s:o}", "event", "result",
        "setting", setting_json(report), "error_s", percentiles(&result->error), "bound_s",
        percentiles(&result->bound), "coverage", number(result->coverage), "covered",
        (json_int_t)result->covered, "judged", (json_int_t)result->judged, "counted",
        (json_int_t)result->counted, "missed", (json_int_t)report->samples->missed, "reached_s",
        reached_json(result), "rtt_s", percentiles(&report->rtt), "requests",
        (json_int_t)accuracy_report_requests(report), "requests_hz",
        accuracy_report_requests_hz(report), "network", impair_stats_json(report->network));
}

/* ---- for people ----------------------------------------------------------------------------- */

static void print_percentiles(const char *title, const struct accuracy_percentiles *values)
{
    char p50[TIME_SIZE], p95[TIME_SIZE], p99[TIME_SIZE], max[TIME_SIZE];

    printf("%-9s p50 %s, p95 %s, p99 %s, max %s\n", title, accuracy_report_time(values->p50, p50),
           accuracy_report_time(values->p95, p95), accuracy_report_time(values->p99, p99),
           accuracy_report_time(values->max, max));
}

static void print_reached(const struct accuracy_result *result)
{
    char lock[TIME_SIZE], ten[TIME_SIZE], five[TIME_SIZE], one[TIME_SIZE], again[TIME_SIZE];

    printf("locked    after %s; to 10 ms %s, 5 ms %s, 1 ms %s\n",
           accuracy_report_time(result->lock_s, lock),
           accuracy_report_time(result->reached_s[0], ten),
           accuracy_report_time(result->reached_s[1], five),
           accuracy_report_time(result->reached_s[2], one));
    if (isfinite(result->recovery_s))
        printf("right     again after %s\n", accuracy_report_time(result->recovery_s, again));
}

void accuracy_report_print(const struct accuracy_report *report)
{
    const struct accuracy_result *result = report->result;

    printf("network   %s, seed %" PRIu64 ", %g s, the first %g s not counted; server %s",
           report->model, report->seed, report->duration_s, report->rules->settle_s,
           report->server);
    if (isfinite(report->skew_ppm))
        printf(" (%g ppm fast)", report->skew_ppm);
    printf(", client %s\n", report->estimator ? report->estimator : report->client);
    print_percentiles("error", &result->error);
    print_percentiles("bound", &result->bound);
    if (result->judged > 0)
        printf("coverage  %.3f %% (%zu of %zu samples)\n", result->coverage * 100, result->covered,
               result->judged);
    else
        printf("coverage  unknown: no sample with a bound\n");
    print_reached(result);
    printf("requests  %" PRIu64 ", %.2f per second\n", accuracy_report_requests(report),
           accuracy_report_requests_hz(report));
    print_percentiles("trip", &report->rtt);
    printf("relay     late by p50 %.0f us, p99 %.0f us, max %.0f us\n",
           impair_stats_lateness_s(report->network, 0.5) * 1e6,
           impair_stats_lateness_s(report->network, 0.99) * 1e6,
           (double)report->network->lateness_max_ns / 1e3);
    if (report->samples->missed > 0)
        printf("missed    %zu samples for want of room\n", report->samples->missed);
}

void accuracy_report_csv(const struct accuracy_report *report, FILE *out)
{
    fputs("time_s,error_s,bound_s\n", out);
    for (size_t i = 0; i < report->samples->count; i++) {
        const struct accuracy_sample *sample = &report->samples->list[i];

        fprintf(out, "%.6f,%.9f,", sample->time_s, sample->error_s);
        if (isfinite(sample->bound_s))
            fprintf(out, "%.9f", sample->bound_s);
        fputc('\n', out);
    }
}
