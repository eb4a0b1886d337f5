#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/wc.h"

/* ---- vectors: one file each, "key value..." on each line ------------------------------------ */

struct vector {
    uint8_t bytes[256];
    size_t length;
    struct dvbcss_wc_message message;
    int64_t originate_ns, receive_ns, transmit_ns;
    bool decode_only;
    char error[32];
    size_t offset;
};

static void parse_bytes(struct vector *vector, const char *hex)
{
    unsigned value;
    int used;

    while (sscanf(hex, " %2x%n", &value, &used) == 1) {
        cr_assert(vector->length < sizeof vector->bytes);
        vector->bytes[vector->length++] = (uint8_t)value;
        hex += used;
    }
}

static void parse_time(const char *value, struct dvbcss_wc_time *time, int64_t *ns)
{
    cr_assert_eq(sscanf(value, "%" SCNu32 " %" SCNu32, &time->seconds, &time->nanoseconds), 2);
    *ns = -1;
}

static void parse_line(struct vector *vector, const char *key, const char *value)
{
    struct dvbcss_wc_message *message = &vector->message;

    if (strcmp(key, "bytes") == 0)
        parse_bytes(vector, value);
    else if (strcmp(key, "type") == 0)
        message->type = (enum dvbcss_wc_type)atoi(value);
    else if (strcmp(key, "precision") == 0)
        message->precision = (int8_t)atoi(value);
    else if (strcmp(key, "max_freq_error") == 0)
        message->max_freq_error = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(key, "originate") == 0)
        parse_time(value, &message->originate, &vector->originate_ns);
    else if (strcmp(key, "receive") == 0)
        parse_time(value, &message->receive, &vector->receive_ns);
    else if (strcmp(key, "transmit") == 0)
        parse_time(value, &message->transmit, &vector->transmit_ns);
    else if (strcmp(key, "originate_ns") == 0)
        vector->originate_ns = strtoll(value, NULL, 10);
    else if (strcmp(key, "receive_ns") == 0)
        vector->receive_ns = strtoll(value, NULL, 10);
    else if (strcmp(key, "transmit_ns") == 0)
        vector->transmit_ns = strtoll(value, NULL, 10);
    else if (strcmp(key, "decode_only") == 0)
        vector->decode_only = true;
    else if (strcmp(key, "error") == 0)
        cr_assert_eq(sscanf(value, "%31s", vector->error), 1);
    else if (strcmp(key, "offset") == 0)
        vector->offset = strtoul(value, NULL, 10);
    else
        cr_assert_fail("unknown key %s", key);
}

static struct vector read_vector(const char *path)
{
    struct vector vector = {0};
    FILE *file = fopen(path, "r");
    char line[1024];

    cr_assert(file, "%s", path);
    while (fgets(line, sizeof line, file)) {
        char key[32];
        int used = 0;

        if (line[0] != '#' && sscanf(line, "%31s%n", key, &used) == 1)
            parse_line(&vector, key, line + used);
    }
    fclose(file);
    return vector;
}

/* Calls check for every file of every folder; returns how many there were. */
static unsigned each_vector(const char *folder,
                            void (*check)(const char *path, const struct vector *vector))
{
    unsigned count = 0;
    DIR *outer = opendir(folder);
    struct dirent *requirement;

    cr_assert(outer, "%s", folder);
    while ((requirement = readdir(outer))) {
        char inner_path[1024];
        struct dirent *entry;
        DIR *inner;

        if (requirement->d_name[0] == '.')
            continue;
        snprintf(inner_path, sizeof inner_path, "%s/%s", folder, requirement->d_name);
        inner = opendir(inner_path);
        cr_assert(inner, "%s", inner_path);
        while ((entry = readdir(inner))) {
            char path[2048];
            struct vector vector;

            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", inner_path, entry->d_name);
            vector = read_vector(path);
            check(path, &vector);
            count++;
        }
        closedir(inner);
    }
    closedir(outer);
    return count;
}

static void check_time(const char *path, struct dvbcss_wc_time actual,
                       struct dvbcss_wc_time expected, int64_t expected_ns)
{
    cr_assert_eq(actual.seconds, expected.seconds, "%s", path);
    cr_assert_eq(actual.nanoseconds, expected.nanoseconds, "%s", path);
    if (expected_ns >= 0)
        cr_assert_eq(dvbcss_wc_time_to_ns(actual), expected_ns, "%s", path);
}

static void check_valid(const char *path, const struct vector *vector)
{
    const struct dvbcss_wc_message *expected = &vector->message;
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_wc_message message;
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE];

    cr_assert_eq(dvbcss_wc_message_decode(vector->bytes, vector->length, &message, &report), 0,
                 "%s: %s", path, report.reason);
    cr_assert_eq(message.type, expected->type, "%s", path);
    cr_assert_eq(message.precision, expected->precision, "%s", path);
    cr_assert_eq(message.max_freq_error, expected->max_freq_error, "%s", path);
    check_time(path, message.originate, expected->originate, vector->originate_ns);
    check_time(path, message.receive, expected->receive, vector->receive_ns);
    check_time(path, message.transmit, expected->transmit, vector->transmit_ns);
    if (vector->decode_only)
        return;
    cr_assert_eq(dvbcss_wc_message_encode(expected, bytes), 0, "%s", path);
    cr_assert_arr_eq(bytes, vector->bytes, sizeof bytes, "%s", path);
}

static void check_invalid(const char *path, const struct vector *vector)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_wc_message message;
    struct dvbcss_wc_message untouched;
    int error;

    memset(&message, 0x5a, sizeof message);
    memcpy(&untouched, &message, sizeof untouched);
    error = dvbcss_wc_message_decode(vector->bytes, vector->length, &message, &report);
    cr_assert_str_eq(dvbcss_error_name(error), vector->error, "%s", path);
    cr_assert_eq(report.error, error, "%s", path);
    cr_assert_eq(report.offset, vector->offset, "%s", path);
    cr_assert(report.reason[0], "%s", path);
    cr_assert_str_empty(report.path, "%s", path);
    cr_assert_eq(memcmp(&message, &untouched, sizeof message), 0, "%s", path);
    cr_assert_eq(dvbcss_wc_message_decode(vector->bytes, vector->length, &message, NULL), error);
}

Test(wc_message, valid_vectors_are_read_and_written_byte_for_byte)
{
    cr_assert(each_vector(VECTORS_DIR "/wallclock/valid", check_valid) >= 15);
}

Test(wc_message, invalid_vectors_are_refused_with_a_reason_and_a_place)
{
    cr_assert(each_vector(VECTORS_DIR "/wallclock/invalid", check_invalid) >= 9);
}

Test(wc_message, no_datagram_at_all_is_too_short)
{
    struct dvbcss_wc_message message;

    cr_assert_eq(dvbcss_wc_message_decode(NULL, 0, &message, NULL), DVBCSS_ELENGTH);
}

Test(wc_message, a_type_that_does_not_exist_is_not_written)
{
    struct dvbcss_wc_message message = {.type = (enum dvbcss_wc_type)4};
    uint8_t bytes[DVBCSS_WC_MESSAGE_SIZE] = {0x77};

    cr_assert_eq(dvbcss_wc_message_encode(&message, bytes), DVBCSS_EINVAL);
    cr_assert_eq(bytes[0], 0x77);
}

Test(wc_message, times_fit_from_zero_to_the_last_nanosecond_of_32_bits_of_seconds)
{
    const int64_t end_ns = (INT64_C(1) << 32) * 1000000000;
    struct dvbcss_wc_time time = {1, 2};

    cr_assert_eq(dvbcss_wc_time_from_ns(-1, &time), DVBCSS_ERANGE);
    cr_assert_eq(dvbcss_wc_time_from_ns(end_ns, &time), DVBCSS_ERANGE);
    cr_assert_eq(dvbcss_wc_time_from_ns(INT64_MIN, &time), DVBCSS_ERANGE);
    cr_assert_eq(dvbcss_wc_time_from_ns(INT64_MAX, &time), DVBCSS_ERANGE);
    cr_assert(dvbcss_wc_time_equal(time, (struct dvbcss_wc_time){1, 2}));
    cr_assert_eq(dvbcss_wc_time_from_ns(0, &time), 0);
    cr_assert(dvbcss_wc_time_equal(time, (struct dvbcss_wc_time){0, 0}));
    cr_assert_eq(dvbcss_wc_time_from_ns(end_ns - 1, &time), 0);
    cr_assert(dvbcss_wc_time_equal(time, (struct dvbcss_wc_time){UINT32_MAX, 999999999}));
    cr_assert_eq(dvbcss_wc_time_to_ns(time), end_ns - 1);
}

/* ---- quality figures ------------------------------------------------------------------------ */

Test(wc_message, precision_is_the_logarithm_rounded_up)
{
    static const struct {
        double seconds;
        int precision;
    } table[] = {
        {0x1p-128, -128}, {0.00001, -16}, {0x1p127, 127}, {0.0007, -10}, {0.001, -9},
        {1.0, 0},         {0.5, -1},      {1e-6, -19},    {1e-9, -29},   {3e-9, -28},
        {4.4e-8, -24},    {0x1p-30, -30}, {8.0, 3},       {0x1p29, 29},  {0x1.8p-128, -127},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int8_t precision = 0;

        cr_assert_eq(dvbcss_wc_precision_encode(table[i].seconds, &precision), 0);
        cr_assert_eq(precision, table[i].precision, "%g s gave %d", table[i].seconds, precision);
    }
}

Test(wc_message, every_power_of_two_is_its_own_precision_and_the_next_double_one_more)
{
    for (int exponent = -128; exponent <= 127; exponent++) {
        double seconds = dvbcss_wc_precision_decode((int8_t)exponent);
        int8_t precision = 0;

        cr_assert_eq(seconds, ldexp(1.0, exponent));
        cr_assert_eq(dvbcss_wc_precision_encode(seconds, &precision), 0);
        cr_assert_eq(precision, exponent);
        if (exponent == 127)
            continue;
        cr_assert_eq(dvbcss_wc_precision_encode(nextafter(seconds, INFINITY), &precision), 0);
        cr_assert_eq(precision, exponent + 1);
    }
}

Test(wc_message, precision_beyond_its_byte_is_refused)
{
    static const double refused[] = {
        0, -1.0, -0.0, INFINITY, NAN, 0x1p-129, 0x1p128, 0x1.0000001p127, -INFINITY, 0x1p-1074};

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int8_t precision = 42;

        cr_assert_eq(dvbcss_wc_precision_encode(refused[i], &precision), DVBCSS_ERANGE, "%g",
                     refused[i]);
        cr_assert_eq(precision, 42);
    }
}

Test(wc_message, max_freq_error_is_in_256ths_of_a_ppm_rounded_up)
{
    static const struct {
        double ppm;
        uint32_t value;
    } table[] = {
        {50, 12800},
        {1900, 486400},
        {0.01, 3},
        {28, 7168},
        {100000, 25600000},
        {0, 0},
        {500, 128000},
        {500.001, 128001},
        {0.00390625, 1},
        {0.003, 1},
        {30, 7680},
        {47.5, 12160},
        {16777215.996, 4294967295},
        {16777215.99609375, 4294967295},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint32_t value = 7;

        cr_assert_eq(dvbcss_wc_max_freq_error_encode(table[i].ppm, &value), 0);
        cr_assert_eq(value, table[i].value, "%.9g ppm gave %" PRIu32, table[i].ppm, value);
    }
    cr_assert_eq(dvbcss_wc_max_freq_error_decode(12800), 50);
    cr_assert_eq(dvbcss_wc_max_freq_error_decode(486400), 1900);
    cr_assert_eq(dvbcss_wc_max_freq_error_decode(3), 0.01171875);
    cr_assert_eq(dvbcss_wc_max_freq_error_decode(7168), 28);
    cr_assert_eq(dvbcss_wc_max_freq_error_decode(25600000), 100000);
    cr_assert_eq(dvbcss_wc_max_freq_error_decode(0), 0);
}

Test(wc_message, max_freq_error_beyond_its_word_is_refused)
{
    static const double refused[] = {-1e-9, 16777215.997, 1e300, INFINITY, -INFINITY, NAN};

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        uint32_t value = 42;

        cr_assert_eq(dvbcss_wc_max_freq_error_encode(refused[i], &value), DVBCSS_ERANGE);
        cr_assert_eq(value, 42);
    }
}
