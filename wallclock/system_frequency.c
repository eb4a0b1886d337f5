#include "wallclock/system_frequency.h"

#include <math.h>

/* What a crystal's frequency does between cold and warm, and what a discipline is off by. */
#define MARGIN_PPM 20.0
/* What TVs are allowed at most, and crystals keep. */
#define UNKNOWN_PPM 500.0
/* What the kernel can correct at most (adjtimex(2): `tick`): more is no figure. */
#define LARGEST_PPM 100000.0

double system_max_freq_error_ppm(const struct system_discipline *discipline)
{
    double error_ppm = discipline->tolerance_ppm;

    if (discipline->synchronised)
        error_ppm = fabs(discipline->correction_ppm) + MARGIN_PPM;
    else if (!(error_ppm >= UNKNOWN_PPM))
        error_ppm = UNKNOWN_PPM;
    return error_ppm < LARGEST_PPM ? error_ppm : LARGEST_PPM;
}
