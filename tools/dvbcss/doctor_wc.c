#include <math.h>

#include "doctor.h"

enum {
    INTERVAL_MS = 100,
    SLOW_MS = 100,
    /* A step of the clock that no frequency error of the field explains. */
    JUMP_MS = 5,
};

/* Frequency errors in ppm that a crystal can have, and the one that this machine may have. */
static const double FREQUENCY_MIN = 0.1, FREQUENCY_MAX = 2000, OWN_FREQUENCY = 500;
/* A coarser clock, in seconds, is told. */
static const double PRECISION_MAX = 0.002;

static void check_jump(struct doctor *doctor, const struct doctor_reading *reading)
{
    const struct doctor_reading *last = &doctor->clock_watch.last;
    double elapsed_ms = (double)(reading->at_ns - last->at_ns) / 1e6;
    double explained_ms = reading->uncertainty_ms + last->uncertainty_ms + JUMP_MS +
                          elapsed_ms * (FREQUENCY_MAX + OWN_FREQUENCY) / 1e6;
    double step_ms = reading->offset_ms - last->offset_ms;

    if (fabs(step_ms) > explained_ms)
        doctor_find_once(doctor, FINDING_CLOCK_JUMPS,
                         "the wall clock jumped by %.1f ms between two answers", step_ms);
}

static void on_exchange(void *user, const struct dvbcss_wc_exchange *exchange)
{
    struct doctor *doctor = user;
    struct doctor_clock_watch *watch = &doctor->clock_watch;
    const struct dvbcss_wc_candidate *candidate = &exchange->candidate;
    struct doctor_reading reading = {candidate->t4_ns, (double)exchange->offset_ns / 1e6,
                                     (double)exchange->rtt_ns / 2e6 +
                                         candidate->server_precision_s * 1e3};
    struct doctor_reading *best = &watch->early;

    if (watch->count++ == 0)
        watch->first = watch->early = watch->late = reading;
    else
        check_jump(doctor, &reading);
    if ((double)(reading.at_ns - watch->first.at_ns) > doctor->observe_s * 0.5e9)
        best = &watch->late;
    if (best->at_ns == watch->first.at_ns || reading.uncertainty_ms < best->uncertainty_ms)
        *best = reading;
    watch->last = reading;
    watch->server_max_freq_error_ppm = candidate->server_max_freq_error_ppm;
    watch->server_precision_s = candidate->server_precision_s;
    watch->follow_ups |= (candidate->flags & DVBCSS_WC_FOLLOWED_UP) != 0;
}

static void on_trouble(void *user, const struct dvbcss_wc_trouble *trouble)
{
    struct doctor *doctor = user;

    if (doctor->clock_watch.count == 0)
        doctor_find_once(doctor, FINDING_CLOCK_SILENT, "%s", trouble->text);
}

/* ---- what it adds up to --------------------------------------------------------------------- */

static void check_rate(struct doctor *doctor)
{
    const struct doctor_clock_watch *watch = &doctor->clock_watch;
    const struct doctor_reading *early = &watch->early, *late = &watch->late;
    double elapsed_ms = (double)(late->at_ns - early->at_ns) / 1e6;
    double ppm, sure_ppm;

    /* A jump is no drift. */
    if (elapsed_ms < doctor->observe_s * 200 || doctor->told[FINDING_CLOCK_JUMPS])
        return;
    ppm = (late->offset_ms - early->offset_ms) / elapsed_ms * 1e6;
    sure_ppm = fabs(ppm) - (late->uncertainty_ms + early->uncertainty_ms) / elapsed_ms * 1e6;
    if (sure_ppm > watch->server_max_freq_error_ppm + OWN_FREQUENCY)
        doctor_find(doctor, FINDING_CLOCK_DRIFT,
                    "the wall clock runs %.0f ppm %s and claims at most %.1f ppm", fabs(ppm),
                    ppm > 0 ? "fast" : "slow", watch->server_max_freq_error_ppm);
}

static void check_figures(struct doctor *doctor)
{
    const struct doctor_clock_watch *watch = &doctor->clock_watch;

    if (watch->server_max_freq_error_ppm < FREQUENCY_MIN ||
        watch->server_max_freq_error_ppm > FREQUENCY_MAX)
        doctor_find(doctor, FINDING_CLOCK_FREQUENCY, "max freq error is %.3f ppm",
                    watch->server_max_freq_error_ppm);
    if (watch->server_precision_s > PRECISION_MAX)
        doctor_find(doctor, FINDING_CLOCK_PRECISION, "the precision is %.3f ms",
                    watch->server_precision_s * 1e3);
    if (watch->follow_ups)
        doctor_find(doctor, FINDING_CLOCK_FOLLOW_UPS, "the wall clock sends follow-ups");
}

static void check_answers(struct doctor *doctor, const struct dvbcss_wc_client_status *status)
{
    uint64_t lost = status->requests.timeouts;
    double rtt_ms = (double)status->rtt_min_ns / 1e6;

    if (doctor->clock_watch.count == 0) {
        doctor_find_once(doctor, FINDING_CLOCK_SILENT, "no answer to %llu requests",
                         (unsigned long long)status->requests.sent);
        return;
    }
    if (lost * 5 > status->exchanges)
        doctor_find(doctor, FINDING_CLOCK_LOSSY,
                    "%llu requests stayed without an answer, %llu did not",
                    (unsigned long long)lost, (unsigned long long)status->exchanges);
    if (rtt_ms > SLOW_MS)
        doctor_find(doctor, FINDING_CLOCK_SLOW, "the quickest answer took %.1f ms", rtt_ms);
    if (doctor->told[FINDING_CLOCK_JUMPS] || doctor->told[FINDING_CLOCK_DRIFT])
        return;
    doctor_find(doctor, FINDING_CLOCK_GOOD,
                "%llu answers, quickest in %.3f ms; the wall clock is known to %.3f ms",
                (unsigned long long)status->exchanges, rtt_ms, status->dispersion_s * 1e3);
}

void doctor_wall_clock(struct doctor *doctor)
{
    struct dvbcss_wc_client_options options = DVBCSS_WC_CLIENT_OPTIONS_INIT;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_wc_client_status status;
    const bool never = false;
    int error;

    doctor_step(doctor, "wall clock");
    options.url = dvbcss_cii_text(dvbcss_cii_client_state(doctor->cii), DVBCSS_CII_WC_URL);
    if (!options.url) {
        doctor_find(doctor, FINDING_SKIPPED, "CII names none");
        return;
    }
    options.wall_clock = doctor->clock.wall;
    options.poll.floor_ns = 0;
    options.requester.interval_ns = INTERVAL_MS * INT64_C(1000000);
    options.requester.retry_ns = INTERVAL_MS * INT64_C(1000000);
    options.events.exchange = on_exchange;
    options.events.trouble = on_trouble;
    options.user = doctor;
    error = dvbcss_wc_client_create(&doctor->wall_clock, &doctor->loop, &options, &report);
    if (error != 0) {
        doctor_find(doctor, FINDING_SKIPPED, "%s: %s", options.url,
                    *report.reason ? report.reason : dvbcss_error_text(error));
        return;
    }
    doctor_wait(doctor, &never, doctor->observe_s);
    dvbcss_wc_client_status(doctor->wall_clock, &status);
    check_rate(doctor);
    if (doctor->clock_watch.count > 0)
        check_figures(doctor);
    check_answers(doctor, &status);
}
