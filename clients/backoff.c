#include "clients/backoff.h"

enum { RETRY_AFTER_MAX_S = 3600, MS_PER_S = 1000, DOUBLINGS_MAX = 32 };

static uint32_t doubled(uint32_t delay_ms, unsigned times, uint32_t max_ms)
{
    while (times-- > 0 && delay_ms < max_ms)
        delay_ms = delay_ms > max_ms / 2 ? max_ms : delay_ms * 2;
    return delay_ms < max_ms ? delay_ms : max_ms;
}

uint32_t backoff_next(struct backoff *backoff, uint32_t random, int32_t retry_after_s)
{
    uint32_t full_ms = doubled(backoff->min_ms, backoff->failures, backoff->max_ms);
    uint32_t part_ms = (uint32_t)((uint64_t)(full_ms / 2 + 1) * random >> 32);
    uint32_t asked_ms;

    if (backoff->failures < DOUBLINGS_MAX)
        backoff->failures++;
    if (retry_after_s < 0)
        return full_ms - part_ms;
    if (retry_after_s > RETRY_AFTER_MAX_S)
        retry_after_s = RETRY_AFTER_MAX_S;
    asked_ms = (uint32_t)retry_after_s * MS_PER_S;
    return (asked_ms > full_ms ? asked_ms : full_ms) + part_ms;
}

void backoff_connection_lived(struct backoff *backoff, uint64_t lived_ms)
{
    if (lived_ms >= backoff->stable_ms)
        backoff->failures = 0;
}
