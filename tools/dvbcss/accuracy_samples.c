#include "accuracy_samples.h"

#include <math.h>
#include <stdlib.h>

#include "dvbcss/alloc.h"
#include "dvbcss/error.h"

const double accuracy_marks_s[ACCURACY_MARKS] = {0.010, 0.005, 0.001};

/* An error is reached when it is kept for so long. */
static const double keep_s = 1.0;

enum { FIRST_ROOM = 1024 };

/* Makes room for one more element; false if there is none. */
static bool make_room(void **list, size_t count, size_t *room, size_t limit, size_t size)
{
    size_t more = *room > 0 ? 2 * *room : FIRST_ROOM;
    void *grown;

    if (count < *room)
        return true;
    if (count >= limit)
        return false;
    if (more > limit)
        more = limit;
    grown = dvbcss_realloc(*list, more * size);
    if (!grown)
        return false;
    *list = grown;
    *room = more;
    return true;
}

void accuracy_samples_add(struct accuracy_samples *samples, struct accuracy_sample sample)
{
    void *list = samples->list;
    bool kept =
        make_room(&list, samples->count, &samples->room, samples->limit, sizeof *samples->list);

    samples->list = list;
    if (kept)
        samples->list[samples->count++] = sample;
    else
        samples->missed++;
}

void accuracy_values_add(struct accuracy_values *values, double value)
{
    void *list = values->list;
    bool kept = make_room(&list, values->count, &values->room, values->limit, sizeof *values->list);

    values->list = list;
    if (kept)
        values->list[values->count++] = value;
}

void accuracy_samples_finish(struct accuracy_samples *samples)
{
    dvbcss_free(samples->list);
    *samples = (struct accuracy_samples){0};
}

void accuracy_values_finish(struct accuracy_values *values)
{
    dvbcss_free(values->list);
    *values = (struct accuracy_values){0};
}

/* ---- percentiles ---------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The smallest value that this share of the values does not exceed. */
static double value_at(const struct accuracy_values *values, double share)
{
    size_t rank = (size_t)ceil(share * (double)values->count);

    return values->list[rank > 0 ? rank - 1 : 0];
}

struct accuracy_percentiles accuracy_percentiles(struct accuracy_values *values)
{
    if (values->count == 0)
        return (struct accuracy_percentiles){NAN, NAN, NAN, NAN};
    qsort(values->list, values->count, sizeof *values->list, compare);
    return (struct accuracy_percentiles){value_at(values, 0.50), value_at(values, 0.95),
                                         value_at(values, 0.99), value_at(values, 1)};
}

/* ---- judging -------------------------------------------------------------------------------- */

static bool is_excused(const struct accuracy_rules *rules, const struct accuracy_sample *sample)
{
    double since_s = sample->time_s - rules->broken_s;

    return since_s >= 0 && since_s < rules->grace_s;
}

bool accuracy_sample_counts(const struct accuracy_rules *rules,
                            const struct accuracy_sample *sample)
{
    return sample->time_s >= rules->settle_s && !is_excused(rules, sample);
}

static bool is_covered(const struct accuracy_rules *rules, const struct accuracy_sample *sample)
{
    return fabs(sample->error_s) <= sample->bound_s + rules->truth_error_s;
}

/* When a condition began that holds for keep_s, or to the end; NAN for never. */
struct keeping {
    double since_s;
    bool holds;
    bool kept;
};

static void keep(struct keeping *keeping, bool condition, double time_s)
{
    if (keeping->kept)
        return;
    if (condition && !keeping->holds)
        keeping->since_s = time_s;
    keeping->holds = condition;
    keeping->kept = condition && time_s - keeping->since_s >= keep_s;
}

static double kept_since_s(const struct keeping *keeping)
{
    return keeping->holds || keeping->kept ? keeping->since_s : NAN;
}

static void time_events(const struct accuracy_samples *samples, const struct accuracy_rules *rules,
                        struct accuracy_result *result)
{
    struct keeping marks[ACCURACY_MARKS] = {{0}}, recovery = {0};

    for (size_t i = 0; i < samples->count; i++) {
        const struct accuracy_sample *sample = &samples->list[i];
        double error_s = fabs(sample->error_s);

        for (unsigned mark = 0; mark < ACCURACY_MARKS; mark++)
            keep(&marks[mark], error_s <= accuracy_marks_s[mark], sample->time_s);
        if (sample->time_s >= rules->broken_s)
            keep(&recovery, error_s <= accuracy_marks_s[0] && is_covered(rules, sample),
                 sample->time_s);
    }
    result->lock_s = samples->count > 0 ? samples->list[0].time_s : NAN;
    for (unsigned mark = 0; mark < ACCURACY_MARKS; mark++)
        result->reached_s[mark] = kept_since_s(&marks[mark]);
    result->recovery_s = kept_since_s(&recovery) - rules->broken_s;
}

int accuracy_samples_judge(const struct accuracy_samples *samples,
                           const struct accuracy_rules *rules, struct accuracy_result *result)
{
    struct accuracy_values errors = {.limit = samples->count}, bounds = {.limit = samples->count};
    size_t counted = 0;

    *result = (struct accuracy_result){0};
    for (size_t i = 0; i < samples->count; i++) {
        const struct accuracy_sample *sample = &samples->list[i];
        bool claims = isfinite(sample->bound_s);

        if (is_excused(rules, sample))
            continue;
        result->judged += claims;
        result->covered += claims && is_covered(rules, sample);
        if (!accuracy_sample_counts(rules, sample))
            continue;
        counted++;
        accuracy_values_add(&errors, fabs(sample->error_s));
        if (claims)
            accuracy_values_add(&bounds, sample->bound_s);
    }
    result->counted = errors.count;
    result->error = accuracy_percentiles(&errors);
    result->bound = accuracy_percentiles(&bounds);
    accuracy_values_finish(&errors);
    accuracy_values_finish(&bounds);
    result->coverage = result->judged > 0 ? (double)result->covered / (double)result->judged : NAN;
    time_events(samples, rules, result);
    return result->counted == counted ? 0 : DVBCSS_ENOMEM;
}
