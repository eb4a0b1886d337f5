#include "dvbcss/discovery_policy.h"

#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* ---- on link -------------------------------------------------------------------------------- */

/* An address as 16 bytes, IPv4 as mapped into IPv6; false for another family. */
static bool bytes_of(const struct sockaddr *address, uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address;

        memcpy(bytes, v6->sin6_addr.s6_addr, 16);
        return true;
    }
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)address;

        memcpy(bytes, mapped, sizeof mapped);
        memcpy(bytes + sizeof mapped, &v4->sin_addr, 4);
        return true;
    }
    return false;
}

static bool is_mapped(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(bytes, mapped, sizeof mapped) == 0;
}

static bool is_link_local(const uint8_t bytes[16])
{
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool dvbcss_discovery_on_link(const struct sockaddr *source, const struct sockaddr *address,
                              const struct sockaddr *netmask)
{
    uint8_t from[16], own[16], mask[16];

    if (!bytes_of(source, from) || !bytes_of(address, own) || !bytes_of(netmask, mask))
        return false;
    if (is_mapped(from) != is_mapped(own))
        return false;
    if (is_link_local(from))
        return true;
    /* Of an IPv4 netmask only the last four bytes are the mask. */
    for (size_t i = is_mapped(own) ? 12 : 0; i < 16; i++) {
        if ((from[i] & mask[i]) != (own[i] & mask[i]))
            return false;
    }
    return true;
}

/* ---- rate ----------------------------------------------------------------------------------- */

void dvbcss_discovery_limit_init(struct dvbcss_discovery_limit *limit,
                                 const struct dvbcss_discovery_limit_options *options)
{
    memset(limit, 0, sizeof *limit);
    limit->options = *options;
}

/* Puts in what has dripped since the last time. */
static void refill(struct dvbcss_discovery_bucket *bucket, int64_t now_ns, double per_s,
                   double burst)
{
    if (!bucket->used)
        bucket->tokens = burst;
    else if (now_ns > bucket->at_ns)
        bucket->tokens += (double)(now_ns - bucket->at_ns) / 1e9 * per_s;
    if (bucket->tokens > burst)
        bucket->tokens = burst;
    bucket->used = true;
    bucket->at_ns = now_ns;
}

/* The bucket of a source; for a new one a free bucket, or the one that was silent longest. */
static struct dvbcss_discovery_bucket *bucket_of(struct dvbcss_discovery_limit *limit,
                                                 const uint8_t address[16])
{
    struct dvbcss_discovery_bucket *oldest = &limit->sources[0];

    for (int i = 0; i < DVBCSS_DISCOVERY_SOURCES; i++) {
        struct dvbcss_discovery_bucket *bucket = &limit->sources[i];

        if (bucket->used && memcmp(bucket->address, address, 16) == 0)
            return bucket;
        if (oldest->used && (!bucket->used || bucket->at_ns < oldest->at_ns))
            oldest = bucket;
    }
    memset(oldest, 0, sizeof *oldest);
    memcpy(oldest->address, address, 16);
    return oldest;
}

bool dvbcss_discovery_limit_permit(struct dvbcss_discovery_limit *limit, int64_t now_ns,
                                   const struct sockaddr *source, unsigned datagrams)
{
    const struct dvbcss_discovery_limit_options *options = &limit->options;
    struct dvbcss_discovery_bucket *bucket;
    uint8_t address[16];

    if (!bytes_of(source, address))
        return false;
    bucket = bucket_of(limit, address);
    refill(bucket, now_ns, options->source_per_s, options->source_burst);
    refill(&limit->total, now_ns, options->total_per_s, options->total_burst);
    if (bucket->tokens < datagrams || limit->total.tokens < datagrams)
        return false;
    bucket->tokens -= datagrams;
    limit->total.tokens -= datagrams;
    return true;
}

/* ---- origin --------------------------------------------------------------------------------- */

bool dvbcss_discovery_origin_permitted(const char *origin, const char *own,
                                       const char *const *allowed, size_t allowed_count)
{
    static const char scheme[] = "http://";
    const char *host;
    size_t length;

    if (!origin)
        return true;
    for (size_t i = 0; i < allowed_count; i++) {
        if (strcasecmp(origin, allowed[i]) == 0)
            return true;
    }
    if (strncasecmp(origin, scheme, sizeof scheme - 1) != 0)
        return false;
    host = origin + sizeof scheme - 1;
    if (strcasecmp(host, own) == 0)
        return true;
    /* A browser leaves the default port away. */
    length = strlen(host);
    return strncasecmp(host, own, length) == 0 && strcmp(own + length, ":80") == 0;
}
