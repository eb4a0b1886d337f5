#include "impair_draw.h"

#include <stdio.h>
#include <stdlib.h>

#include "dvbcss/alloc.h"

static const int64_t spacing_ns = 10000000;

/* What became of the datagrams of one direction. */
struct drawn {
    size_t lost;
    size_t duplicated;
    size_t arrived;
    /* Of each copy that arrived; room for two of each datagram. */
    int64_t *delays_ns;
};

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void draw_all(struct drawn *drawn, struct impair_network *network,
                     enum impair_direction direction, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct impair_fate fate = impair_network_draw(network, direction, (int64_t)i * spacing_ns);

        drawn->lost += fate.copies == 0;
        drawn->duplicated += fate.copies > 1;
        for (unsigned copy = 0; copy < fate.copies; copy++)
            drawn->delays_ns[drawn->arrived++] = fate.delay_ns[copy];
    }
    qsort(drawn->delays_ns, drawn->arrived, sizeof *drawn->delays_ns, compare);
}

static double delay_ms(const struct drawn *drawn, double share)
{
    if (drawn->arrived == 0)
        return 0;
    return (double)drawn->delays_ns[(size_t)(share * (double)(drawn->arrived - 1))] / 1e6;
}

static double mean_ms(const struct drawn *drawn)
{
    double sum_ms = 0;

    for (size_t i = 0; i < drawn->arrived; i++)
        sum_ms += (double)drawn->delays_ns[i] / 1e6;
    return drawn->arrived > 0 ? sum_ms / (double)drawn->arrived : 0;
}

static void show(struct watch *watch, const char *direction, const struct drawn *drawn,
                 size_t count)
{
    if (watch->json)
        watch_print(watch,
                    json_pack("{s:s, s:s, s:I, s:I, s:I, s:{s:f, s:f, s:f, s:f, s:f}}", "event",
                              "draw", "direction", direction, "datagrams", (json_int_t)count,
                              "lost", (json_int_t)drawn->lost, "duplicated",
                              (json_int_t)drawn->duplicated, "delay_ms", "min", delay_ms(drawn, 0),
                              "p50", delay_ms(drawn, 0.5), "mean", mean_ms(drawn), "p99",
                              delay_ms(drawn, 0.99), "max", delay_ms(drawn, 1)));
    else
        printf("%-5s %zu datagrams, lost %zu, twice %zu; min %.3f ms, p50 %.3f ms, mean %.3f ms, "
               "p99 %.3f ms, max %.3f ms\n",
               direction, count, drawn->lost, drawn->duplicated, delay_ms(drawn, 0),
               delay_ms(drawn, 0.5), mean_ms(drawn), delay_ms(drawn, 0.99), delay_ms(drawn, 1));
}

int impair_draw(struct watch *watch, const struct impair_model *model, uint64_t seed, size_t count)
{
    static const char *const directions[IMPAIR_DIRECTIONS] = {"up", "down"};
    int64_t *delays_ns = dvbcss_calloc(2 * count, sizeof *delays_ns);

    if (!delays_ns)
        return failure(watch->command, "%s", dvbcss_error_text(DVBCSS_ENOMEM));
    for (unsigned i = 0; i < IMPAIR_DIRECTIONS; i++) {
        struct drawn drawn = {.delays_ns = delays_ns};
        struct impair_network network;

        impair_network_init(&network, model, seed);
        draw_all(&drawn, &network, (enum impair_direction)i, count);
        show(watch, directions[i], &drawn, count);
    }
    dvbcss_free(delays_ns);
    return EXIT_DONE;
}
