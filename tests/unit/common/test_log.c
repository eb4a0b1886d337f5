#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "dvbcss/log.h"

static struct {
    unsigned lines;
    enum dvbcss_log_level level;
    char id[32];
    char text[1024];
    void *user;
} seen;

static void remember(void *user, enum dvbcss_log_level level, const char *id, const char *text)
{
    seen.lines++;
    seen.level = level;
    seen.user = user;
    snprintf(seen.id, sizeof seen.id, "%s", id);
    snprintf(seen.text, sizeof seen.text, "%s", text);
}

static unsigned evaluated;

static int count_evaluation(void)
{
    return (int)++evaluated;
}

Test(log, nothing_is_enabled_without_a_sink)
{
    dvbcss_log_set(NULL, NULL, DVBCSS_LOG_DEBUG);
    cr_assert(!dvbcss_log_enabled(DVBCSS_LOG_ERROR));
    dvbcss_log_write(DVBCSS_LOG_ERROR, "id", "nobody hears this");
}

Test(log, a_line_arrives_with_its_level_id_and_user)
{
    int user;

    dvbcss_log_set(remember, &user, DVBCSS_LOG_INFO);
    dvbcss_log(DVBCSS_LOG_WARNING, "ws-refused", "%s has %d", "path", 7);
    cr_assert_eq(seen.lines, 1);
    cr_assert_eq(seen.level, DVBCSS_LOG_WARNING);
    cr_assert_str_eq(seen.id, "ws-refused");
    cr_assert_str_eq(seen.text, "path has 7");
    cr_assert_eq(seen.user, &user);
}

Test(log, lines_above_the_level_are_held_back_and_their_arguments_not_evaluated)
{
    dvbcss_log_set(remember, NULL, DVBCSS_LOG_WARNING);
    dvbcss_log(DVBCSS_LOG_INFO, "id", "%d", count_evaluation());
    dvbcss_log_write(DVBCSS_LOG_INFO, "id", "text");
    cr_assert_eq(evaluated, 0);
    cr_assert_eq(seen.lines, 0);
    dvbcss_log(DVBCSS_LOG_WARNING, "id", "%d", count_evaluation());
    dvbcss_log(DVBCSS_LOG_ERROR, "id", "%d", count_evaluation());
    cr_assert_eq(evaluated, 2);
    cr_assert_eq(seen.lines, 2);
}

Test(log, no_line_has_the_level_none)
{
    dvbcss_log_set(remember, NULL, DVBCSS_LOG_DEBUG);
    cr_assert(!dvbcss_log_enabled(DVBCSS_LOG_NONE));
    dvbcss_log_set(remember, NULL, DVBCSS_LOG_NONE);
    cr_assert(!dvbcss_log_enabled(DVBCSS_LOG_ERROR));
}

Test(log, a_long_line_is_cut)
{
    char text[1000];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    dvbcss_log_set(remember, NULL, DVBCSS_LOG_DEBUG);
    dvbcss_log(DVBCSS_LOG_DEBUG, "id", "%s", text);
    cr_assert_eq(strlen(seen.text), 511);
}

/* ---- escaping ------------------------------------------------------------------------------- */

#define ESCAPE(bytes) dvbcss_log_escape(out, sizeof out, bytes, sizeof bytes - 1)

Test(log_escape, printable_bytes_stay_and_all_others_are_named)
{
    char out[64];

    cr_assert_str_eq(ESCAPE("plain ~text"), "plain ~text");
    cr_assert_str_eq(ESCAPE("a\nb\rc\td\\e"), "a\\nb\\rc\\td\\\\e");
    cr_assert_str_eq(ESCAPE("\0\x1b[2J\x7f\x80\xff"), "\\x00\\x1b[2J\\x7f\\x80\\xff");
    cr_assert_str_eq(dvbcss_log_escape(out, sizeof out, NULL, 0), "");
}

Test(log_escape, what_does_not_fit_is_cut_and_marked)
{
    char out[8];

    cr_assert_str_eq(ESCAPE("1234567"), "1234567");
    cr_assert_str_eq(ESCAPE("12345678"), "1234...");
    cr_assert_str_eq(ESCAPE("123\xff"), "123\\xff");
    cr_assert_str_eq(ESCAPE("123\xff"
                            "4"),
                     "123...");
    cr_assert_str_eq(ESCAPE("1234\xff"), "1234...");
}

Test(log_escape, every_size_of_buffer_is_respected)
{
    for (size_t size = 1; size < 16; size++) {
        char out[17];

        memset(out, '#', sizeof out);
        dvbcss_log_escape(out, size, "\xffzz\xff\xff", 5);
        cr_assert_lt(strnlen(out, sizeof out), size);
        cr_assert_eq(out[size], '#');
    }
}

/* ---- limiting ------------------------------------------------------------------------------- */

Test(log_limit, a_window_lets_its_number_of_lines_through_and_counts_the_others)
{
    struct dvbcss_log_limit limit = {0};

    cr_assert_eq(dvbcss_log_permit(&limit, 10, 100, 2), 1);
    cr_assert_eq(dvbcss_log_permit(&limit, 20, 100, 2), 1);
    cr_assert_eq(dvbcss_log_permit(&limit, 30, 100, 2), 0);
    cr_assert_eq(dvbcss_log_permit(&limit, 99, 100, 2), 0);
    cr_assert_eq(limit.held_back, 2);
    cr_assert_eq(dvbcss_log_permit(&limit, 100, 100, 2), 1);
    cr_assert_eq(limit.held_back, 2, "the caller clears it when it has told");
    cr_assert_eq(dvbcss_log_permit(&limit, 199, 100, 2), 1);
    cr_assert_eq(dvbcss_log_permit(&limit, 199, 100, 2), 0);
}

Test(log_limit, a_window_of_no_lines_lets_none_through)
{
    struct dvbcss_log_limit limit = {0};

    cr_assert_eq(dvbcss_log_permit(&limit, 1000, 100, 0), 0);
    cr_assert_eq(limit.held_back, 1);
}

Test(log_limit, extreme_and_backward_times_open_a_new_window)
{
    struct dvbcss_log_limit limit = {0};

    cr_assert_eq(dvbcss_log_permit(&limit, INT64_MIN, 100, 1), 1);
    cr_assert_eq(dvbcss_log_permit(&limit, INT64_MAX, 100, 1), 1);
    cr_assert_eq(dvbcss_log_permit(&limit, INT64_MAX, 100, 1), 0);
    cr_assert_eq(dvbcss_log_permit(&limit, 0, 100, 1), 1);
}
