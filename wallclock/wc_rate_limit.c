#include "wallclock/wc_rate_limit.h"

#include <string.h>

#include "dvbcss/alloc.h"
#include "dvbcss/time.h"
#include "dvbcss/wc_server.h"

enum {
    /* Sources that may take the same places; four of 16 bytes are a cache line. */
    WAYS = 4,
    SETS = 1024,
};

struct bucket {
    /* The source, hashed: two that share a hash of 64 bits would share a bucket. */
    uint64_t tag;
    /* When the bucket is full again. */
    int64_t full_ns;
};

struct wc_rate_limit {
    int64_t interval_ns;
    uint64_t secret;
    uint64_t random;
    struct bucket sets[SETS][WAYS];
};

int wc_rate_limit_create(struct wc_rate_limit **out, unsigned per_s, uint64_t secret)
{
    struct wc_rate_limit *limit;

    if (per_s < 1 || per_s > DVBCSS_WC_SERVER_LIMIT_MAX)
        return DVBCSS_ERANGE;
    limit = dvbcss_calloc(1, sizeof *limit);
    if (!limit)
        return DVBCSS_ENOMEM;
    limit->interval_ns = DVBCSS_NS_PER_S / per_s;
    limit->secret = secret;
    /* The generator must not stand at 0. */
    limit->random = secret | 1;
    *out = limit;
    return 0;
}

void wc_rate_limit_destroy(struct wc_rate_limit *limit)
{
    dvbcss_free(limit);
}

/* Each bit of the result depends on each bit of the value (Stafford, variant 13 of the finaliser of
 * MurmurHash3). */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static uint64_t hash(const struct wc_rate_limit *limit, const union wc_address *source)
{
    uint64_t halves[2] = {0, 0};

    if (source->any.sa_family == AF_INET) {
        memcpy(halves, &source->v4.sin_addr, sizeof source->v4.sin_addr);
    } else {
        memcpy(halves, &source->v6.sin6_addr, sizeof halves);
        if (IN6_IS_ADDR_V4MAPPED(&source->v6.sin6_addr))
            halves[0] = 0;
        else if (IN6_IS_ADDR_LINKLOCAL(&source->v6.sin6_addr))
            halves[0] = source->v6.sin6_scope_id;
        else
            halves[1] = 0;
    }
    return mix(mix(halves[0] ^ limit->secret) ^ halves[1]);
}

static struct bucket *bucket_of(struct wc_rate_limit *limit, const union wc_address *source)
{
    uint64_t tag = hash(limit, source);
    struct bucket *set = limit->sets[tag % SETS];
    struct bucket *fullest = &set[0];

    for (int i = 0; i < WAYS; i++) {
        if (set[i].tag == tag)
            return &set[i];
        if (set[i].full_ns < fullest->full_ns)
            fullest = &set[i];
    }
    *fullest = (struct bucket){tag, 0};
    return fullest;
}

/* One of WC_RATE_LIMIT_LEAK, by a shift-register generator (Marsaglia). */
static bool leaks(struct wc_rate_limit *limit)
{
    limit->random ^= limit->random << 13;
    limit->random ^= limit->random >> 7;
    limit->random ^= limit->random << 17;
    return (limit->random >> 32) % WC_RATE_LIMIT_LEAK == 0;
}

bool wc_rate_limit_passes(struct wc_rate_limit *limit, const union wc_address *source,
                          int64_t now_ns)
{
    struct bucket *bucket = bucket_of(limit, source);
    /* Until it is full; an empty one takes a second. More means that the clock went back. */
    int64_t wait_ns = bucket->full_ns - now_ns;

    if (wait_ns < 0 || wait_ns > DVBCSS_NS_PER_S)
        wait_ns = 0;
    if (wait_ns + limit->interval_ns > DVBCSS_NS_PER_S)
        return leaks(limit);
    bucket->full_ns = now_ns + wait_ns + limit->interval_ns;
    return true;
}
