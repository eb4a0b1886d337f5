/**
 * @file
 * Counting by the address of peers, in constant time, with memory for those addresses only that
 * have something open. Private to server-core.
 */
#ifndef DVBCSS_WS_ADDRESSES_H
#define DVBCSS_WS_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

#include "server-core/ws_address.h"

/** What counts as one address. */
struct ws_address_key {
    uint64_t network;
    uint64_t host;
};

/** An address that has something open. */
struct ws_address_entry {
    struct ws_address_entry *next;
    struct ws_address_key key;
    size_t count;
};

/** A hash table of them. All zero: an empty one. */
struct ws_addresses {
    struct ws_address_entry **buckets;
    size_t bucket_count;
    size_t entry_count;
    /** So that nobody can choose addresses that meet in one bucket. */
    uint64_t secret;
};

/**
 * What counts as one address: one of IPv4; one of IPv6 on a link of ours, where all share the first
 * 64 bits; the first 64 bits of any other of IPv6, where one peer has all of them.
 *
 * @param local the address of ours that the peer reached
 */
struct ws_address_key ws_address_key(const union ws_address *peer, const union ws_address *local);

/**
 * Counts one more of an address.
 *
 * @param limit #DVBCSS_UNLIMITED for none
 * @param entry result, for ws_addresses_leave(); NULL for a peer without an address (AF_UNIX),
 * which is not counted
 * @return 0, DVBCSS_EFULL, DVBCSS_ENOMEM
 */
int ws_addresses_enter(struct ws_addresses *addresses, const union ws_address *peer,
                       const union ws_address *local, int limit, struct ws_address_entry **entry);

/** Counts one less. With the last one the table goes, too. */
void ws_addresses_leave(struct ws_addresses *addresses, struct ws_address_entry *entry);

#endif
