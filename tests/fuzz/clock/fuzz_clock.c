/*
 * Turns bytes into operations on a tree of clocks and checks after each that the tree still keeps
 * its promises.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/clock.h"

enum { CLOCKS = 8, STEPS_MAX = 100 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- input ---------------------------------------------------------------------------------- */

static const uint8_t *input;
static size_t input_left;

static uint8_t next_byte(void)
{
    if (input_left == 0)
        return 0;
    input_left--;
    return *input++;
}

static uint64_t next_bits(void)
{
    uint64_t bits = 0;

    for (int i = 0; i < 8; i++)
        bits = bits << 8 | next_byte();
    return bits;
}

/* Small numbers are as likely as large ones. */
static struct dvbcss_ticks next_ticks(void)
{
    struct dvbcss_ticks ticks = {(int8_t)next_byte(), 0};

    if (ticks.whole & 1)
        ticks = (struct dvbcss_ticks){(int64_t)next_bits(), next_bits()};
    return ticks;
}

static double next_double(void)
{
    uint8_t choice = next_byte();
    uint64_t bits;
    double value;

    if (choice & 1)
        return (int8_t)choice / 8.0;
    bits = next_bits();
    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct dvbcss_rate next_rate(void)
{
    struct dvbcss_rate rate = {next_byte(), next_byte()};

    if (rate.seconds & 1)
        rate.ticks = (uint32_t)next_bits();
    return rate;
}

static struct dvbcss_correlation next_correlation(void)
{
    struct dvbcss_correlation correlation = {next_ticks(), next_ticks(), 0.0, 0.0};

    if (next_byte() & 1) {
        correlation.initial_error_s = next_double();
        correlation.error_growth = next_double();
    }
    return correlation;
}

/* ---- the tree ------------------------------------------------------------------------------- */

static int64_t now_ns;
static struct dvbcss_clock *clocks[CLOCKS];
static bool own_available[CLOCKS];
static struct dvbcss_clock_listener listeners[CLOCKS];
static unsigned calls[CLOCKS];
static struct dvbcss_task_queue *queue;

static int64_t read_time(void *user)
{
    (void)user;
    return now_ns;
}

static void count_call(struct dvbcss_clock_listener *listener, struct dvbcss_clock *clock,
                       unsigned changes)
{
    size_t index = (size_t)(listener - listeners);

    CHECK(clock == clocks[index]);
    CHECK(changes != 0 && changes <= (DVBCSS_CLOCK_TIMING | DVBCSS_CLOCK_AVAILABILITY));
    calls[index]++;
}

static void nothing(void *user, struct dvbcss_clock *clock)
{
    (void)user;
    (void)clock;
}

static int create_root(struct dvbcss_clock **out)
{
    struct dvbcss_root_clock_options options = DVBCSS_ROOT_CLOCK_OPTIONS_INIT;

    options.now_ns = read_time;
    options.precision_s = 1e-6;
    options.rate = next_rate();
    return dvbcss_root_clock_create(out, &options);
}

static int create_correlated(struct dvbcss_clock **out, struct dvbcss_clock *parent)
{
    return dvbcss_correlated_clock_create(out, parent, next_rate(), next_correlation(),
                                          next_double());
}

static int create_tunable(struct dvbcss_clock **out, struct dvbcss_clock *parent)
{
    return dvbcss_tunable_clock_create(out, parent, next_rate(), next_ticks());
}

static int create_range(struct dvbcss_clock **out, struct dvbcss_clock *parent)
{
    return dvbcss_range_clock_create(out, parent, next_rate(), next_correlation(),
                                     next_correlation());
}

static int create_offset(struct dvbcss_clock **out, struct dvbcss_clock *parent)
{
    return dvbcss_offset_clock_create(out, parent, next_ticks().whole);
}

static void create(size_t index)
{
    static int (*const kinds[])(struct dvbcss_clock **, struct dvbcss_clock *) = {
        create_correlated, create_tunable, create_range, create_offset};
    struct dvbcss_clock *parent = clocks[next_byte() % CLOCKS];
    struct dvbcss_clock *clock;
    int error;

    dvbcss_clock_destroy(clocks[index]);
    if (parent == clocks[index])
        parent = NULL;
    clocks[index] = NULL;
    if (parent)
        error = kinds[next_byte() % 4](&clock, parent);
    else
        error = create_root(&clock);
    if (error) {
        CHECK(error == DVBCSS_EINVAL);
        return;
    }
    clocks[index] = clock;
    own_available[index] = true;
    listeners[index].changed = count_call;
    dvbcss_clock_listen(clock, &listeners[index]);
}

/* ---- operations ----------------------------------------------------------------------------- */

static int pass_time(struct dvbcss_clock *clock)
{
    (void)clock;
    now_ns += (int64_t)(next_bits() >> (next_byte() & 63)) & INT64_C(0xffffffffff);
    return 0;
}

static int set_speed(struct dvbcss_clock *clock)
{
    return dvbcss_clock_set_speed(clock, next_double());
}

static int set_rate(struct dvbcss_clock *clock)
{
    return dvbcss_clock_set_rate(clock, next_rate());
}

static int set_correlation(struct dvbcss_clock *clock)
{
    return dvbcss_clock_set_correlation(clock, next_correlation());
}

static int set_range(struct dvbcss_clock *clock)
{
    return dvbcss_range_clock_set(clock, next_correlation(), next_correlation());
}

static int set_offset(struct dvbcss_clock *clock)
{
    return dvbcss_offset_clock_set(clock, next_ticks().whole);
}

static int set_parent(struct dvbcss_clock *clock)
{
    return dvbcss_clock_set_parent(clock, clocks[next_byte() % CLOCKS]);
}

static int adjust(struct dvbcss_clock *clock)
{
    return dvbcss_tunable_clock_adjust(clock, next_ticks());
}

static int set_slew(struct dvbcss_clock *clock)
{
    return dvbcss_tunable_clock_set_slew(clock, next_double());
}

static int set_error(struct dvbcss_clock *clock)
{
    return dvbcss_tunable_clock_set_error(clock, next_double(), next_double());
}

static int rebase(struct dvbcss_clock *clock)
{
    return dvbcss_clock_rebase(clock, next_ticks());
}

static int schedule(struct dvbcss_clock *clock)
{
    return dvbcss_task_at(queue, clock, next_ticks(), nothing, NULL, NULL);
}

static int run_tasks(struct dvbcss_clock *clock)
{
    int64_t next_ns;

    (void)clock;
    dvbcss_task_queue_run(queue, now_ns);
    CHECK(dvbcss_task_queue_next(queue, &next_ns) != 0 || next_ns > now_ns);
    return 0;
}

static void step(void)
{
    static int (*const operations[])(struct dvbcss_clock *) = {
        pass_time, set_speed, set_rate,  set_correlation, set_range, set_offset, set_parent,
        adjust,    set_slew,  set_error, rebase,          schedule,  run_tasks,
    };
    const size_t count = sizeof operations / sizeof operations[0];
    size_t index = next_byte() % CLOCKS;
    size_t operation = next_byte() % (count + 3);

    memset(calls, 0, sizeof calls);
    if (operation == count || !clocks[index]) {
        create(index);
    } else if (operation == count + 1) {
        dvbcss_clock_destroy(clocks[index]);
        clocks[index] = NULL;
    } else if (operation == count + 2) {
        bool available = next_byte() & 1;

        if (dvbcss_clock_set_available(clocks[index], available) == 0)
            own_available[index] = available;
    } else if (operations[operation](clocks[index]) != 0) {
        for (int i = 0; i < CLOCKS; i++)
            CHECK(calls[i] == 0);
    }
}

/* ---- promises ------------------------------------------------------------------------------- */

static void check_availability(size_t index)
{
    struct dvbcss_clock *parent = dvbcss_clock_parent(clocks[index]);
    bool above = !parent || dvbcss_clock_available(parent);

    CHECK(dvbcss_clock_available(clocks[index]) == (own_available[index] && above));
}

static void check_conversions(const struct dvbcss_clock *clock)
{
    struct dvbcss_ticks ticks = dvbcss_clock_now(clock);
    struct dvbcss_ticks root_ticks;
    int64_t when_ns;
    int error = dvbcss_clock_to_root(clock, ticks, &root_ticks);
    double dispersion_s = dvbcss_clock_dispersion_s(clock, ticks);

    CHECK(error == 0 || error == DVBCSS_ENOTMAPPABLE || error == DVBCSS_ERANGE);
    CHECK(dispersion_s >= 0.0);
    error = dvbcss_clock_when_ns(clock, ticks, &when_ns);
    CHECK(error == 0 || error == DVBCSS_ENOTMAPPABLE || error == DVBCSS_ERANGE);
    CHECK(isfinite(dvbcss_clock_speed(clock)));
}

static void check_promises(void)
{
    for (size_t i = 0; i < CLOCKS; i++) {
        CHECK(calls[i] <= 1);
        if (clocks[i]) {
            check_availability(i);
            check_conversions(clocks[i]);
            CHECK(listeners[i].clock == clocks[i]);
        } else {
            CHECK(listeners[i].clock == NULL);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_left = size;
    now_ns = 0;
    CHECK(dvbcss_task_queue_create(&queue, NULL, NULL) == 0);
    for (int i = 0; i < STEPS_MAX && input_left > 0; i++) {
        step();
        check_promises();
    }
    for (int i = 0; i < CLOCKS; i++) {
        dvbcss_clock_destroy(clocks[i]);
        clocks[i] = NULL;
    }
    dvbcss_task_queue_destroy(queue);
    return 0;
}
