/*
 * Every file of tests/vectors/cii. valid/NAME/input.json decodes in both modes and is written as
 * output.json; invalid/NAME/input.json is refused in strict mode with what `error` says (code and
 * path), and in tolerant mode, too, unless tolerant.json says what it is taken for.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/cii.h"

/* A file of one vector; NULL if there is none. To be freed. */
static char *slurp(const char *kind, const char *name, const char *file, size_t *length)
{
    char path[1024];
    char *text = NULL;
    FILE *stream;
    long size;

    snprintf(path, sizeof path, VECTORS_DIR "/cii/%s/%s/%s", kind, name, file);
    stream = fopen(path, "rb");
    if (!stream)
        return NULL;
    if (fseek(stream, 0, SEEK_END) == 0 && (size = ftell(stream)) >= 0) {
        rewind(stream);
        text = calloc((size_t)size + 1, 1);
        *length = text ? fread(text, 1, (size_t)size, stream) : 0;
    }
    fclose(stream);
    return text;
}

/* A text file without the newline at its end. */
static char *slurp_line(const char *kind, const char *name, const char *file)
{
    size_t length = 0;
    char *text = slurp(kind, name, file, &length);

    if (text && length > 0 && text[length - 1] == '\n')
        text[length - 1] = '\0';
    return text;
}

/* Expects that the input means @p expected, and that so does what is written of it. */
static void expect_output(const char *name, const char *input, size_t length, enum dvbcss_mode mode,
                          const char *expected)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_cii cii = DVBCSS_CII_INIT;
    struct dvbcss_cii again = DVBCSS_CII_INIT;
    char *output = NULL;
    int error = dvbcss_cii_decode(input, length, mode, &cii, &report);

    cr_expect_eq(error, 0, "%s: %s %s: %s", name, dvbcss_error_name(error), report.path,
                 report.reason);
    cr_expect_eq(report.error, 0, "%s: report touched", name);
    cr_assert_eq(dvbcss_cii_encode(&cii, DVBCSS_CII_ALL, NULL, &output, &length), 0);
    cr_expect_str_eq(output, expected, "%s gave %s", name, output);
    cr_expect_eq(length, strlen(output));
    cr_assert_eq(dvbcss_cii_decode(output, length, mode, &again, NULL), 0, "%s", name);
    cr_expect(dvbcss_cii_equal(&cii, &again), "%s: output means something else", name);
    dvbcss_free(output);
    dvbcss_cii_finish(&cii);
    dvbcss_cii_finish(&again);
}

/* Expects a refusal that leaves the message alone; gives code and path as one text. */
static void refusal(const char *name, const char *input, size_t length, enum dvbcss_mode mode,
                    char *text, size_t size)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_cii cii = DVBCSS_CII_INIT;
    int error;

    cr_assert_eq(dvbcss_cii_set_text(&cii, DVBCSS_CII_CONTENT_ID, "before"), 0);
    error = dvbcss_cii_decode(input, length, mode, &cii, &report);
    cr_expect_lt(error, 0, "%s was accepted", name);
    cr_expect_eq(report.error, error, "%s", name);
    cr_expect_str_not_empty(report.reason, "%s", name);
    cr_expect_eq(dvbcss_cii_defined(&cii), DVBCSS_CII_BIT(DVBCSS_CII_CONTENT_ID), "%s", name);
    cr_expect_str_eq(dvbcss_cii_text(&cii, DVBCSS_CII_CONTENT_ID), "before", "%s", name);
    cr_expect_eq(dvbcss_cii_decode(input, length, mode, &cii, NULL), error, "%s", name);
    dvbcss_cii_finish(&cii);
    snprintf(text, size, "%s%s%s", dvbcss_error_name(error) + strlen("DVBCSS_"),
             report.path[0] ? " " : "", report.path);
}

static void check_valid(const char *name)
{
    size_t length = 0;
    char *input = slurp("valid", name, "input.json", &length);
    char *output = slurp_line("valid", name, "output.json");

    cr_assert(input && output, "%s is incomplete", name);
    expect_output(name, input, length, DVBCSS_STRICT, output);
    expect_output(name, input, length, DVBCSS_TOLERANT, output);
    free(input);
    free(output);
}

static void check_invalid(const char *name)
{
    size_t length = 0;
    char *input = slurp("invalid", name, "input.json", &length);
    char *expected = slurp_line("invalid", name, "error");
    char *tolerant = slurp_line("invalid", name, "tolerant.json");
    char got[256];

    cr_assert(input && expected, "%s is incomplete", name);
    refusal(name, input, length, DVBCSS_STRICT, got, sizeof got);
    cr_expect_str_eq(got, expected, "%s gave %s", name, got);
    if (tolerant)
        expect_output(name, input, length, DVBCSS_TOLERANT, tolerant);
    else
        refusal(name, input, length, DVBCSS_TOLERANT, got, sizeof got);
    free(input);
    free(expected);
    free(tolerant);
}

/* Runs @p check on each vector of a kind. Returns how many there were. */
static unsigned for_each_vector(const char *kind, void (*check)(const char *name))
{
    char path[1024];
    struct dirent *entry;
    unsigned count = 0;
    DIR *folder;

    snprintf(path, sizeof path, VECTORS_DIR "/cii/%s", kind);
    folder = opendir(path);
    cr_assert(folder, "%s cannot be read", path);
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        check(entry->d_name);
        count++;
    }
    closedir(folder);
    return count;
}

Test(cii_vectors, what_is_valid_is_read_and_written)
{
    cr_expect_gt(for_each_vector("valid", check_valid), 30);
}

Test(cii_vectors, what_is_invalid_is_refused_whole_or_tolerated_as_written_down)
{
    cr_expect_gt(for_each_vector("invalid", check_invalid), 50);
}
