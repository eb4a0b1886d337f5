/*
 * The log is the one thing that all threads share: lines from several at once, with a sink that
 * counts. A plain program, for the thread sanitizer, which does not bear Criterion.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "dvbcss/error.h"
#include "dvbcss/log.h"

enum { THREADS = 4, LINES = 1000 };

static atomic_int lines;

static void count(void *user, enum dvbcss_log_level level, const char *id, const char *text)
{
    (void)user;
    (void)level;
    (void)id;
    (void)text;
    atomic_fetch_add(&lines, 1);
}

static void *write_lines(void *unused)
{
    (void)unused;
    for (int i = 0; i < LINES; i++)
        dvbcss_log(DVBCSS_LOG_INFO, "test", "%s %d", dvbcss_error_text(DVBCSS_EINVAL), i);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];

    dvbcss_log_set(count, NULL, DVBCSS_LOG_INFO);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, write_lines, NULL) != 0)
            return 1;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%d lines\n", atomic_load(&lines));
    return atomic_load(&lines) == THREADS * LINES ? 0 : 1;
}
