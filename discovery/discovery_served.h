/**
 * @file
 * The links on which a responder serves: which ones there are now, and which address of ours an
 * asker has reached. Private to discovery.
 */
#ifndef DISCOVERY_DISCOVERY_SERVED_H
#define DISCOVERY_DISCOVERY_SERVED_H

#include "discovery/discovery_links.h"

/** An interface and a family. */
struct served_link {
    unsigned index;
    int family;
    char name[IF_NAMESIZE];
    /** The address that announcements name. */
    union discovery_address own;
};

/** All of them; zeroed storage is ready for use. */
struct served {
    struct served_link *links;
    size_t link_count;
    /** Every address on them. */
    struct discovery_link *addresses;
    size_t address_count;
};

/** What an update asks and tells; all are required. */
struct served_events {
    bool (*wanted)(void *user, const struct discovery_link *link);
    void (*added)(void *user, struct served_link *link);
    /** Announcements name another address now. */
    void (*moved)(void *user, struct served_link *link);
    void (*removed)(void *user, struct served_link *link);
};

/** Looks at the machine's interfaces and tells what is different: 0, or an error of
 * discovery_links_list() after which all is as before. */
DVBCSS_NODISCARD int served_update(struct served *served, const struct served_events *events,
                                   void *user);

/** Somebody who asks. */
struct served_asker {
    union discovery_address source;
    /** Interface on which he was heard. */
    unsigned index;
    /** Filled in: the address of ours in his network. */
    union discovery_address own;
};

/** Finds `own`; false if he is on none of the served links. */
bool served_find_own(const struct served *served, struct served_asker *asker);

/** Frees what it holds. */
void served_finish(struct served *served);

#endif
