#include "server-core/ws_addresses.h"

#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "dvbcss/alloc.h"
#include "dvbcss/error.h"

enum { BUCKETS_MIN = 16 };

struct ws_address_key ws_address_key(const union ws_address *peer, const union ws_address *local)
{
    struct ws_address_key key = {0, 0};
    bool on_link;

    if (peer->any.sa_family == AF_INET) {
        /* As mapped into IPv6: no other address has 80 bits of zeros. */
        key.host = UINT64_C(0xffff) << 32 | peer->v4.sin_addr.s_addr;
        return key;
    }
    memcpy(&key.network, peer->v6.sin6_addr.s6_addr, sizeof key.network);
    on_link = IN6_IS_ADDR_LINKLOCAL(&peer->v6.sin6_addr) ||
              (local->any.sa_family == AF_INET6 &&
               memcmp(&peer->v6.sin6_addr, &local->v6.sin6_addr, sizeof key.network) == 0);
    if (on_link)
        memcpy(&key.host, peer->v6.sin6_addr.s6_addr + sizeof key.network, sizeof key.host);
    return key;
}

static bool key_equal(const struct ws_address_key *a, const struct ws_address_key *b)
{
    return a->network == b->network && a->host == b->host;
}

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014): each bit of the input decides about each
 * bit of the output. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static struct ws_address_entry **bucket_of(const struct ws_addresses *addresses,
                                           const struct ws_address_key *key)
{
    uint64_t hash = mix(mix(key->network ^ addresses->secret) ^ key->host);

    return &addresses->buckets[hash & (addresses->bucket_count - 1)];
}

/* Moves all entries into another number of buckets. If there is no memory for them, the old ones
 * will do: finding takes longer, that is all. */
static void resize(struct ws_addresses *addresses, size_t bucket_count)
{
    struct ws_addresses before = *addresses;
    struct ws_address_entry **buckets = dvbcss_calloc(bucket_count, sizeof *buckets);

    if (!buckets)
        return;
    addresses->buckets = buckets;
    addresses->bucket_count = bucket_count;
    for (size_t i = 0; i < before.bucket_count; i++) {
        struct ws_address_entry *entry = before.buckets[i];

        while (entry) {
            struct ws_address_entry *next = entry->next;
            struct ws_address_entry **bucket = bucket_of(addresses, &entry->key);

            entry->next = *bucket;
            *bucket = entry;
            entry = next;
        }
    }
    dvbcss_free(before.buckets);
}

static void begin(struct ws_addresses *addresses)
{
    /* Without the system's random numbers there is still where the table lies. */
    if (getrandom(&addresses->secret, sizeof addresses->secret, GRND_NONBLOCK) < 0)
        addresses->secret = mix((uint64_t)(uintptr_t)addresses);
    resize(addresses, BUCKETS_MIN);
}

static struct ws_address_entry *find(const struct ws_addresses *addresses,
                                     const struct ws_address_key *key)
{
    struct ws_address_entry *entry = *bucket_of(addresses, key);

    while (entry && !key_equal(&entry->key, key))
        entry = entry->next;
    return entry;
}

static struct ws_address_entry *add(struct ws_addresses *addresses, struct ws_address_key key)
{
    struct ws_address_entry *entry = dvbcss_calloc(1, sizeof *entry);
    struct ws_address_entry **bucket;

    if (!entry)
        return NULL;
    if (addresses->entry_count >= addresses->bucket_count)
        resize(addresses, addresses->bucket_count * 2);
    bucket = bucket_of(addresses, &key);
    entry->key = key;
    entry->next = *bucket;
    *bucket = entry;
    addresses->entry_count++;
    return entry;
}

/* Without entries there is no table: who has no visitors needs no memory. */
static void shrink(struct ws_addresses *addresses)
{
    if (addresses->entry_count == 0) {
        dvbcss_free(addresses->buckets);
        addresses->buckets = NULL;
        addresses->bucket_count = 0;
    } else if (addresses->bucket_count > BUCKETS_MIN &&
               addresses->entry_count < addresses->bucket_count / 8) {
        resize(addresses, addresses->bucket_count / 2);
    }
}

static int enter(struct ws_addresses *addresses, struct ws_address_key key, int limit,
                 struct ws_address_entry **entry)
{
    struct ws_address_entry *found;

    if (addresses->bucket_count == 0)
        begin(addresses);
    if (addresses->bucket_count == 0)
        return DVBCSS_ENOMEM;
    found = find(addresses, &key);
    if (limit >= 0 && (found ? found->count : 0) >= (size_t)limit)
        return DVBCSS_EFULL;
    if (!found)
        found = add(addresses, key);
    if (!found)
        return DVBCSS_ENOMEM;
    found->count++;
    *entry = found;
    return 0;
}

int ws_addresses_enter(struct ws_addresses *addresses, const union ws_address *peer,
                       const union ws_address *local, int limit, struct ws_address_entry **entry)
{
    int result;

    if (peer->any.sa_family == AF_UNIX) {
        *entry = NULL;
        return 0;
    }
    result = enter(addresses, ws_address_key(peer, local), limit, entry);
    if (result != 0)
        shrink(addresses);
    return result;
}

void ws_addresses_leave(struct ws_addresses *addresses, struct ws_address_entry *entry)
{
    struct ws_address_entry **link;

    if (!entry || --entry->count != 0)
        return;
    for (link = bucket_of(addresses, &entry->key); *link != entry;)
        link = &(*link)->next;
    *link = entry->next;
    dvbcss_free(entry);
    addresses->entry_count--;
    shrink(addresses);
}
