#include "impair_stats.h"

#include <math.h>
#include <stdio.h>

void impair_stats_late(struct impair_stats *stats, int64_t late_ns)
{
    int64_t step = late_ns / 1000;

    if (late_ns > stats->lateness_max_ns)
        stats->lateness_max_ns = late_ns;
    stats->lateness[step < IMPAIR_LATENESS_STEPS ? step : IMPAIR_LATENESS_STEPS]++;
}

double impair_stats_lateness_s(const struct impair_stats *stats, double share)
{
    double max_s = (double)stats->lateness_max_ns / 1e9;
    uint64_t total = 0, seen = 0;

    for (unsigned i = 0; i <= IMPAIR_LATENESS_STEPS; i++)
        total += stats->lateness[i];
    for (unsigned i = 0; i < IMPAIR_LATENESS_STEPS && total > 0; i++) {
        seen += stats->lateness[i];
        if ((double)seen >= share * (double)total)
            return fmin((i + 1) * 1e-6, max_s);
    }
    return max_s;
}

static json_t *counters_json(const struct impair_counters *counters)
{
    json_t *object = json_object();

#define COUNTER_JSON(name)                                                                         \
    json_object_set_new(object, #name, json_integer((json_int_t)counters->name));
    IMPAIR_COUNTER_MAP(COUNTER_JSON)
#undef COUNTER_JSON
    return object;
}

json_t *impair_stats_json(const struct impair_stats *stats)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:b, s:{s:f, s:f, s:f}}", "up",
                     counters_json(&stats->direction[IMPAIR_UP]), "down",
                     counters_json(&stats->direction[IMPAIR_DOWN]), "clients",
                     (json_int_t)stats->clients, "evicted", (json_int_t)stats->evicted, "forged",
                     (json_int_t)stats->forged, "replayed", (json_int_t)stats->replayed, "realtime",
                     stats->realtime, "late_s", "p50", impair_stats_lateness_s(stats, 0.5), "p99",
                     impair_stats_lateness_s(stats, 0.99), "max",
                     (double)stats->lateness_max_ns / 1e9);
}

static void print_counters(const char *title, const struct impair_counters *counters)
{
    printf("%s", title);
#define COUNTER_PRINT(name)                                                                        \
    if (counters->name > 0)                                                                        \
        printf("  " #name " %llu", (unsigned long long)counters->name);
    IMPAIR_COUNTER_MAP(COUNTER_PRINT)
#undef COUNTER_PRINT
    putchar('\n');
}

void impair_stats_print(const struct impair_stats *stats)
{
    print_counters("up    ", &stats->direction[IMPAIR_UP]);
    print_counters("down  ", &stats->direction[IMPAIR_DOWN]);
    printf("clients  %llu, of them forgotten %llu\n", (unsigned long long)stats->clients,
           (unsigned long long)stats->evicted);
    if (stats->forged + stats->replayed > 0)
        printf("attack   forged %llu, replayed %llu\n", (unsigned long long)stats->forged,
               (unsigned long long)stats->replayed);
    printf("late     p50 %.0f us, p99 %.0f us, max %.0f us\n",
           impair_stats_lateness_s(stats, 0.5) * 1e6, impair_stats_lateness_s(stats, 0.99) * 1e6,
           (double)stats->lateness_max_ns / 1e3);
}
