#include <criterion/criterion.h>

#include "wallclock/wc_histogram.h"

static int64_t only(int64_t ns)
{
    static struct wc_histogram histogram;

    histogram = (struct wc_histogram){0};
    wc_histogram_add(&histogram, ns);
    return wc_histogram_percentile_ns(&histogram, 0.5);
}

Test(wc_histogram, nothing_counted_has_no_percentile)
{
    struct wc_histogram histogram = {0};

    cr_assert_eq(wc_histogram_percentile_ns(&histogram, 0.5), -1);
}

Test(wc_histogram, a_percentile_is_above_the_time_by_a_sixteenth_at_most)
{
    for (int64_t ns = 0; ns < INT64_C(900000000000); ns += 1 + ns / 7) {
        int64_t end_ns = only(ns);

        cr_assert(end_ns > ns && end_ns - ns <= 1 + ns / 16, "%lld became %lld", (long long)ns,
                  (long long)end_ns);
    }
}

Test(wc_histogram, times_out_of_range_count_as_the_nearest)
{
    cr_assert_eq(only(-5), 1);
    cr_assert_eq(only(INT64_MAX), only(INT64_C(1) << 40));
    cr_assert_eq(only(INT64_MAX), INT64_C(1) << 40);
}

Test(wc_histogram, percentiles_are_those_of_the_distribution)
{
    struct wc_histogram histogram = {0};

    for (int64_t ns = 1; ns <= 1000; ns++)
        wc_histogram_add(&histogram, ns * 1000);
    cr_assert_eq(histogram.total, 1000);
    cr_assert_float_eq((double)wc_histogram_percentile_ns(&histogram, 0), 1000, 64);
    cr_assert_float_eq((double)wc_histogram_percentile_ns(&histogram, 0.5), 500e3, 500e3 / 16);
    cr_assert_float_eq((double)wc_histogram_percentile_ns(&histogram, 0.99), 990e3, 990e3 / 16);
    cr_assert_float_eq((double)wc_histogram_percentile_ns(&histogram, 1), 1000e3, 1000e3 / 16);
}
