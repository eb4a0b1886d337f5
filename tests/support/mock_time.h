/**
 * @file
 * A time source that stands where the test puts it.
 */
#ifndef TESTS_MOCK_TIME_H
#define TESTS_MOCK_TIME_H

#include <stdint.h>

/** Time in nanoseconds; a reading moves it by step_ns afterwards. */
struct mock_time {
    int64_t now_ns;
    int64_t step_ns;
    unsigned readings;
};

/** A dvbcss_time_source whose user is a struct mock_time. */
static inline int64_t mock_time_read(void *user)
{
    struct mock_time *mock = (struct mock_time *)user;
    int64_t now_ns = mock->now_ns;

    mock->now_ns += mock->step_ns;
    mock->readings++;
    return now_ns;
}

#endif
