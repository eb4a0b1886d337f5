/**
 * @file
 * What the kernel knows of the crystal's frequency. Private to the suite; reads nothing itself.
 */
#ifndef DVBCSS_WALLCLOCK_SYSTEM_FREQUENCY_H
#define DVBCSS_WALLCLOCK_SYSTEM_FREQUENCY_H

#include <stdbool.h>

/** The kernel's discipline of the system time (see adjtimex(2)), in plain units. */
struct system_discipline {
    /** Whether something keeps the system time in step with a better clock. */
    bool synchronised;
    /** What it corrects the crystal's frequency by. */
    double correction_ppm;
    /** The most that the kernel corrects. */
    double tolerance_ppm;
};

/** Tells how far the crystal's frequency may be off, in ppm: never 0, never above 100,000. */
double system_max_freq_error_ppm(const struct system_discipline *discipline);

#endif
