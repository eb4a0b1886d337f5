#include <criterion/criterion.h>

#include "dvbcss/system_time.h"
#include "dvbcss/time.h"
#include "wallclock/system_frequency.h"

static double error_of(bool synchronised, double correction_ppm, double tolerance_ppm)
{
    struct system_discipline discipline = {synchronised, correction_ppm, tolerance_ppm};

    return system_max_freq_error_ppm(&discipline);
}

Test(system_time, a_synchronised_machine_knows_its_crystal)
{
    cr_assert_float_eq(error_of(true, 0.0, 500.0), 20.0, 1e-9, "none is perfect");
    cr_assert_float_eq(error_of(true, 13.5, 500.0), 33.5, 1e-9);
    cr_assert_float_eq(error_of(true, -13.5, 500.0), 33.5, 1e-9);
    cr_assert_float_eq(error_of(true, -4000.0, 500.0), 4020.0, 1e-9, "however bad it is");
}

Test(system_time, a_machine_left_alone_may_be_off_by_all_that_could_be_corrected)
{
    cr_assert_float_eq(error_of(false, 3.0, 500.0), 500.0, 1e-9);
    cr_assert_float_eq(error_of(false, 3.0, 512.0), 512.0, 1e-9);
    cr_assert_float_eq(error_of(false, 3.0, 0.0), 500.0, 1e-9, "it does not say");
    cr_assert_float_eq(error_of(false, 0.0, 1e9), 100000.0, 1e-9);
}

Test(system_time, this_machine_tells_a_figure_that_can_be_announced)
{
    double error_ppm = dvbcss_monotonic_max_freq_error_ppm();

    cr_assert_geq(error_ppm, 20.0);
    cr_assert_leq(error_ppm, 100000.0);
}

Test(system_time, the_suspended_time_stands_still_while_the_machine_is_awake)
{
    int64_t first_ns = dvbcss_suspended_ns();

    cr_assert_gt(first_ns, -DVBCSS_NS_PER_S);
    for (int i = 0; i < 1000; i++) {
        int64_t change_ns = dvbcss_suspended_ns() - first_ns;

        cr_assert_lt(change_ns < 0 ? -change_ns : change_ns, DVBCSS_NS_PER_S);
    }
}
