#include <math.h>
#include <stdint.h>

#include <criterion/criterion.h>

#include "dvbcss/ts.h"

#define SECOND INT64_C(1000000000)

static struct dvbcss_ts_line line_of(int64_t content, int64_t wall_ns, uint32_t hz, double speed)
{
    struct dvbcss_ts_line line = {{content, 0}, wall_ns, {hz, hz ? 1 : 0}, speed};

    return line;
}

static void expect_stamp(struct dvbcss_ts_line line, int64_t now_ns, int64_t content,
                         int64_t wall_ns)
{
    struct dvbcss_ts_control_timestamp stamp;

    cr_assert_eq(dvbcss_ts_line_stamp(&line, now_ns, &stamp), 0);
    cr_assert(stamp.available);
    cr_assert_eq(stamp.content_time_ticks, content, "content %lld",
                 (long long)stamp.content_time_ticks);
    cr_assert_eq(stamp.wall_clock_time_ns, wall_ns, "wall %lld",
                 (long long)stamp.wall_clock_time_ns);
    cr_assert_eq(stamp.speed, line.speed);
}

/* ---- where a line is ------------------------------------------------------------------------- */

Test(ts_line, runs_at_its_rate_times_its_speed)
{
    static const struct {
        double speed;
        int64_t after_2_s;
    } cases[] = {{1.0, 180100}, {2.0, 360100}, {0.5, 90100}, {0.0, 100}, {-1.0, -179900}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct dvbcss_ts_line line = line_of(100, 7, 90000, cases[i].speed);
        struct dvbcss_ticks content;

        cr_assert_eq(dvbcss_ts_line_at(&line, 7 + 2 * SECOND, &content), 0);
        cr_assert_eq(content.whole, cases[i].after_2_s, "speed %g", cases[i].speed);
        cr_assert_eq(content.fraction, 0);
    }
}

Test(ts_line, keeps_every_nanosecond_far_from_its_point)
{
    const struct dvbcss_ts_line line = line_of(0, 0, 1000000000, 1.0);
    struct dvbcss_ticks content;

    cr_assert_eq(dvbcss_ts_line_at(&line, INT64_C(9007199254740993), &content), 0);
    cr_assert_eq(content.whole, INT64_C(9007199254740993));
}

Test(ts_line, what_cannot_be_told_is_refused)
{
    struct dvbcss_ticks content;
    struct dvbcss_ts_line line = line_of(0, 0, 0, 1.0);

    cr_assert_eq(dvbcss_ts_line_at(&line, 1, &content), DVBCSS_EINVAL);
    line = line_of(0, 0, 90000, NAN);
    cr_assert_eq(dvbcss_ts_line_at(&line, 1, &content), DVBCSS_EINVAL);
    line = line_of(INT64_MAX - 5, 0, 90000, 1.0);
    cr_assert_eq(dvbcss_ts_line_at(&line, SECOND, &content), DVBCSS_ERANGE);
    line = line_of(INT64_MIN, 0, 90000, -1.0);
    cr_assert_eq(dvbcss_ts_line_at(&line, SECOND, &content), DVBCSS_ERANGE);
    line = line_of(0, INT64_MIN, 90000, 1.0);
    cr_assert_eq(dvbcss_ts_line_at(&line, INT64_MAX, &content), DVBCSS_ERANGE);
    line = line_of(0, INT64_MAX, 90000, 1.0);
    cr_assert_eq(dvbcss_ts_line_at(&line, INT64_MIN, &content), DVBCSS_ERANGE);
    line = line_of(0, 0, 4000000000, 1e300);
    cr_assert_eq(dvbcss_ts_line_at(&line, SECOND, &content), DVBCSS_ERANGE);
}

/* ---- control timestamps of a line ------------------------------------------------------------ */

Test(ts_line, a_stamp_is_for_the_last_whole_tick)
{
    /* 25 ticks a second: one every 40 ms. */
    expect_stamp(line_of(0, 0, 25, 1.0), SECOND, 25, SECOND);
    expect_stamp(line_of(0, 0, 25, 1.0), SECOND + 39999999, 25, SECOND);
    expect_stamp(line_of(0, 0, 25, 1.0), SECOND + 40000000, 26, SECOND + 40000000);
    expect_stamp(line_of(0, 0, 25, 1.0), -1, -1, -40000000);
}

Test(ts_line, a_stamp_in_reverse_is_for_the_last_whole_tick_too)
{
    expect_stamp(line_of(0, 0, 25, -1.0), SECOND + 39999999, -25, SECOND);
    expect_stamp(line_of(0, 0, 25, -1.0), SECOND + 40000000, -26, SECOND + 40000000);
    expect_stamp(line_of(0, 0, 25, -2.0), SECOND + 19999999, -50, SECOND);
}

Test(ts_line, a_stamp_is_never_of_the_future)
{
    struct dvbcss_ts_line line = line_of(0, 0, 1000000000, 1.0);

    line.content.fraction = UINT64_C(1) << 63;
    expect_stamp(line, SECOND, SECOND + 1, SECOND);
}

Test(ts_line, a_stamp_of_a_paused_timeline_is_of_now)
{
    expect_stamp(line_of(77, 5, 25, 0.0), SECOND, 77, SECOND);
    expect_stamp(line_of(77, 5, 0, 0.0), SECOND, 77, SECOND);
}

Test(ts_line, a_stamp_in_slow_motion_is_of_now_and_rounded)
{
    /* A tick takes 4 s. */
    expect_stamp(line_of(0, 0, 25, 0.01), 3 * SECOND, 1, 3 * SECOND);
    expect_stamp(line_of(0, 0, 25, 0.01), SECOND, 0, SECOND);
}

Test(ts_line, a_stamp_without_a_rate_is_the_point_itself)
{
    expect_stamp(line_of(77, 5, 0, 1.0), SECOND, 77, 5);
}

Test(ts_line, stamps_stay_on_the_line)
{
    static const double speeds[] = {1.0, -1.0, 0.37, 2.5, -0.1, 1.00002};
    static const uint32_t rates_hz[] = {25, 50, 1000, 90000, 1000000000};

    for (size_t s = 0; s < sizeof speeds / sizeof speeds[0]; s++) {
        for (size_t r = 0; r < sizeof rates_hz / sizeof rates_hz[0]; r++) {
            const struct dvbcss_ts_line line = line_of(-12345, 678, rates_hz[r], speeds[s]);

            for (int64_t now_ns = 0; now_ns < 100 * SECOND; now_ns += 1234567891) {
                struct dvbcss_ts_control_timestamp stamp;
                struct dvbcss_ts_line stamped;

                cr_assert_eq(dvbcss_ts_line_stamp(&line, now_ns, &stamp), 0);
                stamped = dvbcss_ts_line_of(&stamp, line.rate);
                cr_assert_leq(dvbcss_ts_line_change_s(&line, &stamped), 1.0e-9,
                              "speed %g rate %u at %lld", speeds[s], rates_hz[r],
                              (long long)now_ns);
                cr_assert_leq(stamp.wall_clock_time_ns, now_ns);
                cr_assert_gt(stamp.wall_clock_time_ns, now_ns - 2 * SECOND);
            }
        }
    }
}

Test(ts_line, a_stamp_that_does_not_fit_is_refused)
{
    struct dvbcss_ts_line line = line_of(INT64_MAX, 0, 90000, 1.0);
    struct dvbcss_ts_control_timestamp stamp;

    cr_assert_eq(dvbcss_ts_line_stamp(&line, SECOND, &stamp), DVBCSS_ERANGE);
    line = line_of(0, 0, 90000, INFINITY);
    cr_assert_eq(dvbcss_ts_line_stamp(&line, SECOND, &stamp), DVBCSS_EINVAL);
    line = line_of(0, INT64_MIN + 1, 2, 1.0);
    line.content.fraction = UINT64_C(1) << 62;
    cr_assert_eq(dvbcss_ts_line_stamp(&line, INT64_MIN + 1, &stamp), DVBCSS_ERANGE);
}

/* ---- comparing ------------------------------------------------------------------------------- */

Test(ts_line, lines_are_compared_not_their_points)
{
    const struct dvbcss_ts_line a = line_of(0, 0, 90000, 1.0);
    struct dvbcss_ts_line b = line_of(90000, SECOND, 90000, 1.0);

    cr_assert_eq(dvbcss_ts_line_change_s(&a, &b), 0.0);
    b.content.whole += 90;
    cr_assert_float_eq(dvbcss_ts_line_change_s(&a, &b), 0.001, 1e-15);
    cr_assert_float_eq(dvbcss_ts_line_change_s(&b, &a), 0.001, 1e-15);
}

Test(ts_line, a_change_is_in_seconds_of_the_wall_clock)
{
    const struct dvbcss_ts_line a = line_of(0, 0, 90000, -2.0);
    const struct dvbcss_ts_line b = line_of(90, 0, 90000, -2.0);

    cr_assert_float_eq(dvbcss_ts_line_change_s(&a, &b), 0.0005, 1e-15);
}

Test(ts_line, paused_lines_are_compared_by_content)
{
    const struct dvbcss_ts_line a = line_of(1000, 5, 1000, 0.0);
    struct dvbcss_ts_line b = line_of(1000, SECOND, 1000, 0.0);

    cr_assert_eq(dvbcss_ts_line_change_s(&a, &b), 0.0);
    b.content.whole = 2000;
    cr_assert_eq(dvbcss_ts_line_change_s(&a, &b), 1.0);
}

Test(ts_line, another_speed_or_rate_is_another_line)
{
    const struct dvbcss_ts_line a = line_of(0, 0, 90000, 1.0);
    const struct dvbcss_ts_line faster = line_of(0, 0, 90000, 1.0000000000000002);
    const struct dvbcss_ts_line finer = line_of(0, 0, 90001, 1.0);
    const struct dvbcss_ts_line same_rate = {{0, 0}, 0, {180000, 2}, 1.0};

    cr_assert_eq(dvbcss_ts_line_change_s(&a, &faster), INFINITY);
    cr_assert_eq(dvbcss_ts_line_change_s(&a, &finer), INFINITY);
    cr_assert_eq(dvbcss_ts_line_change_s(&a, &same_rate), 0.0);
}

Test(ts_line, without_a_rate_only_the_same_point_is_the_same_line)
{
    const struct dvbcss_ts_line a = line_of(5, 7, 0, 1.0);
    struct dvbcss_ts_line b = a;

    cr_assert_eq(dvbcss_ts_line_change_s(&a, &b), 0.0);
    b.wall_ns++;
    cr_assert_eq(dvbcss_ts_line_change_s(&a, &b), INFINITY);
}

/* ---- PTS ------------------------------------------------------------------------------------ */

Test(ts_pts, wraps_into_33_bits)
{
    cr_assert_eq(dvbcss_ts_pts_wrap(0), 0);
    cr_assert_eq(dvbcss_ts_pts_wrap(INT64_C(8589934591)), INT64_C(8589934591));
    cr_assert_eq(dvbcss_ts_pts_wrap(INT64_C(8589934592)), 0);
    cr_assert_eq(dvbcss_ts_pts_wrap(-1), INT64_C(8589934591));
}

Test(ts_pts, unwraps_to_the_value_nearest_to_a_reference)
{
    const int64_t span = DVBCSS_TS_PTS_SPAN;

    cr_assert_eq(dvbcss_ts_pts_unwrap(5, 0), 5);
    cr_assert_eq(dvbcss_ts_pts_unwrap(5, span - 5), span + 5);
    cr_assert_eq(dvbcss_ts_pts_unwrap(span - 5, 5), -5);
    cr_assert_eq(dvbcss_ts_pts_unwrap(5, 7 * span + 100), 7 * span + 5);
    cr_assert_eq(dvbcss_ts_pts_unwrap(span - 5, 7 * span), 7 * span - 5);
    cr_assert_eq(dvbcss_ts_pts_unwrap(0, INT64_MAX), INT64_MAX);
}

/* ---- window --------------------------------------------------------------------------------- */

static struct dvbcss_ts_presentation able(struct dvbcss_ts_point earliest,
                                          struct dvbcss_ts_point latest)
{
    const struct dvbcss_ts_presentation presentation = {
        false, {0, DVBCSS_TS_AT, 0}, earliest, latest};

    return presentation;
}

static struct dvbcss_ts_point at(int64_t content, int64_t wall_ns)
{
    const struct dvbcss_ts_point point = {content, DVBCSS_TS_AT, wall_ns};

    return point;
}

static const struct dvbcss_ts_point ever = {0, DVBCSS_TS_MINUS_INFINITY, 0};
static const struct dvbcss_ts_point whenever = {0, DVBCSS_TS_PLUS_INFINITY, 0};

static struct dvbcss_ts_window window_of(double speed)
{
    struct dvbcss_ts_window window;

    cr_assert_eq(dvbcss_ts_window_init(&window, 90000, dvbcss_rate_hz(90000), speed), 0);
    return window;
}

Test(ts_window, of_nobody_is_any_time)
{
    const struct dvbcss_ts_window window = window_of(1.0);

    cr_assert_not(dvbcss_ts_window_empty(&window));
    cr_assert_eq(window.earliest.when, DVBCSS_TS_MINUS_INFINITY);
    cr_assert_eq(window.latest.when, DVBCSS_TS_PLUS_INFINITY);
}

Test(ts_window, goes_from_the_latest_earliest_to_the_earliest_latest)
{
    struct dvbcss_ts_window window = window_of(1.0);
    struct dvbcss_ts_presentation companions[3];

    companions[0] = able(at(90000, 5 * SECOND), at(90000, 9 * SECOND));
    companions[1] = able(ever, at(0, 6 * SECOND));              /* 7 s at 90000 */
    companions[2] = able(at(180000, 7 * SECOND + 3), whenever); /* 6 s and 3 ns at 90000 */
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(dvbcss_ts_window_add(&window, &companions[i]), 0);
    cr_assert_eq(window.companions, 3);
    cr_assert_eq(window.earliest.when, DVBCSS_TS_AT);
    cr_assert_eq(window.earliest.wall_clock_time_ns, 6 * SECOND + 3);
    cr_assert_eq(window.latest.wall_clock_time_ns, 7 * SECOND);
    cr_assert_eq(window.latest.content_time_ticks, 90000);
    cr_assert_not(dvbcss_ts_window_empty(&window));
}

Test(ts_window, is_the_same_in_whatever_order_companions_come)
{
    const struct dvbcss_ts_presentation companions[] = {
        able(at(90000, 5), at(90000, 90)), able(at(90000, 7), whenever), able(ever, at(90000, 80))};
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t o = 0; o < 6; o++) {
        struct dvbcss_ts_window window = window_of(1.0);

        for (size_t i = 0; i < 3; i++)
            cr_assert_eq(dvbcss_ts_window_add(&window, &companions[orders[o][i]]), 0);
        cr_assert_eq(window.earliest.wall_clock_time_ns, 7);
        cr_assert_eq(window.latest.wall_clock_time_ns, 80);
    }
}

Test(ts_window, is_empty_if_no_time_suits_all)
{
    struct dvbcss_ts_window window = window_of(1.0);
    const struct dvbcss_ts_presentation early = able(ever, at(90000, 10));
    struct dvbcss_ts_presentation late = able(at(90000, 10), whenever);

    cr_assert_eq(dvbcss_ts_window_add(&window, &early), 0);
    cr_assert_eq(dvbcss_ts_window_add(&window, &late), 0);
    cr_assert_not(dvbcss_ts_window_empty(&window), "one instant is enough");
    late.earliest.wall_clock_time_ns++;
    cr_assert_eq(dvbcss_ts_window_add(&window, &late), 0);
    cr_assert(dvbcss_ts_window_empty(&window));
}

Test(ts_window, follows_the_speed)
{
    const struct dvbcss_ts_presentation companion = able(at(0, 0), at(180000, 0));
    struct dvbcss_ts_window window = window_of(-2.0);

    cr_assert_eq(dvbcss_ts_window_add(&window, &companion), 0);
    cr_assert_eq(window.earliest.wall_clock_time_ns, -SECOND / 2);
    cr_assert_eq(window.latest.wall_clock_time_ns, SECOND / 2);
}

Test(ts_window, of_a_paused_timeline_takes_times_of_its_instant_only)
{
    struct dvbcss_ts_window window = window_of(0.0);
    const struct dvbcss_ts_window before = window;
    const struct dvbcss_ts_presentation here = able(at(90000, 5), at(90000, 6));
    const struct dvbcss_ts_presentation elsewhere = able(at(90001, 5), at(90001, 6));
    const struct dvbcss_ts_presentation anytime = able(ever, whenever);

    cr_assert_eq(dvbcss_ts_window_add(&window, &elsewhere), DVBCSS_ENOTMAPPABLE);
    cr_assert_eq(window.companions, before.companions);
    cr_assert_eq(window.earliest.when, before.earliest.when);
    cr_assert_eq(dvbcss_ts_window_add(&window, &here), 0);
    cr_assert_eq(window.earliest.wall_clock_time_ns, 5);
    cr_assert_eq(dvbcss_ts_window_add(&window, &anytime), 0, "infinity is the same everywhere");
}

Test(ts_window, what_does_not_fit_is_refused)
{
    struct dvbcss_ts_window window = window_of(1.0);
    const struct dvbcss_ts_presentation far = able(at(INT64_MIN, 0), whenever);
    const struct dvbcss_ts_presentation late = able(ever, at(0, INT64_MAX));

    cr_assert_eq(dvbcss_ts_window_add(&window, &far), DVBCSS_ERANGE);
    cr_assert_eq(dvbcss_ts_window_add(&window, &late), DVBCSS_ERANGE);
    cr_assert_eq(window.companions, 0);
    cr_assert_eq(dvbcss_ts_window_init(&window, 0, (struct dvbcss_rate){0, 1}, 1.0), DVBCSS_EINVAL);
    cr_assert_eq(dvbcss_ts_window_init(&window, 0, dvbcss_rate_hz(1), NAN), DVBCSS_EINVAL);
}
