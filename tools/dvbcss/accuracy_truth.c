#include "accuracy_truth.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "dvbcss/system_time.h"

enum { CLOCK_NAME_SIZE = 32 };

bool accuracy_truth_set(const char *clock, int64_t epoch_ns, struct accuracy_truth *out)
{
    static const struct {
        const char *name;
        clockid_t id;
    } clocks[] = {{"CLOCK_MONOTONIC", CLOCK_MONOTONIC},
                  {"CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW},
                  {"CLOCK_BOOTTIME", CLOCK_BOOTTIME},
                  {"CLOCK_REALTIME", CLOCK_REALTIME}};

    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        if (strcmp(clocks[i].name, clock) == 0) {
            out->kind = ACCURACY_TRUTH_SYSTEM;
            out->system = clocks[i].id;
            out->epoch_ns = epoch_ns;
            return true;
        }
    }
    return false;
}

bool accuracy_truth_parse(const char *text, struct accuracy_truth *out)
{
    char clock[CLOCK_NAME_SIZE];
    int length = (int)strcspn(text, "-");
    int64_t epoch_ns = 0;

    snprintf(clock, sizeof clock, "%.*s", length, text);
    return (text[length] == '\0' || read_integer(text + length + 1, 0, INT64_MAX / 2, &epoch_ns)) &&
           accuracy_truth_set(clock, epoch_ns, out);
}

/* What a clock of the kernel showed at a time not long ago. */
static int64_t read_system_ns(clockid_t id, int64_t monotonic_ns)
{
    struct timespec now;
    int64_t before_ns, between_ns;

    if (id == CLOCK_MONOTONIC_RAW)
        return monotonic_ns;
    before_ns = dvbcss_monotonic_ns(NULL);
    clock_gettime(id, &now);
    between_ns = before_ns + (dvbcss_monotonic_ns(NULL) - before_ns) / 2;
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec + monotonic_ns - between_ns;
}

bool accuracy_truth_at(const struct accuracy_truth *truth, int64_t monotonic_ns, int64_t *out_ns)
{
    switch (truth->kind) {
    case ACCURACY_TRUTH_OWN:
        *out_ns = accuracy_clock_at(truth->own, monotonic_ns);
        return true;
    case ACCURACY_TRUTH_SYSTEM:
        *out_ns = read_system_ns(truth->system, monotonic_ns) - truth->epoch_ns;
        return true;
    default:
        *out_ns = truth->reading.wall_ns + (monotonic_ns - truth->reading.monotonic_ns);
        return truth->told;
    }
}
