/**
 * @file
 * Who owns the page channel, and whether what it presents still counts: one page at a time, and a
 * silent one is given up. Pure: times come in as arguments, in ns of the loop's clock; what is to
 * be done comes out.
 *
 *     nothing --presents--> presented --silence--> withdrawn --speaks--> presented
 *                               |                      |
 *                            is lost                 leaves
 *                               v                      v
 *                           inherited --time is up--> nothing
 *
 * "Inherited" is what a page left behind whose connection broke: the next owner takes it over, or
 * time runs out.
 */
#ifndef DVBCSSD_PAGE_SESSION_H
#define DVBCSSD_PAGE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

/** Whose state the television presents. */
enum page_state {
    /** Not a page's. */
    PAGE_NOTHING,
    /** The owner's. */
    PAGE_PRESENTED,
    /** Not a page's for now: the owner is silent. */
    PAGE_WITHDRAWN,
    /** That of an owner whose connection broke. */
    PAGE_INHERITED,
};

/** "nothing", "presented", ... */
extern const char *const page_state_names[];

/** One page's side of it; storage of the caller, zeroed for one that has just connected. */
struct page_peer {
    /** It said hello in a version that promises signs of life. */
    bool beats;
};

/** The channel's side of it. Read freely; written by the functions below. */
struct page_session {
    /** Above 0; 0 for "never". */
    int64_t silence_timeout_ns;
    enum page_state state;
    /** NULL if nobody owns it. */
    struct page_peer *owner;
    /** Since when it does, and when it was last heard. */
    int64_t since_ns;
    int64_t heard_ns;
    /** When what was inherited goes. */
    int64_t inherited_until_ns;
};

/** What the caller is to do. */
enum page_action {
    PAGE_CARRY_ON,
    /** Present what is configured. */
    PAGE_FALL_BACK,
    /** Present what the owner presented before. */
    PAGE_RESUME,
};

/**
 * A page wants to own the channel.
 *
 * @param displaced set to the silent owner whose place it takes, NULL if there was none
 * @return whether it owns the channel now; false if another page does, which is not silent
 */
bool page_session_claim(struct page_session *session, struct page_peer *peer, int64_t now_ns,
                        struct page_peer **displaced);

/** Something came from a page: call it before the message takes effect. */
enum page_action page_session_heard(struct page_session *session, const struct page_peer *peer,
                                    int64_t now_ns);

/** The owner presents something. Returns whether that begins anew: nothing of it is there yet. */
bool page_session_present(struct page_session *session);

/** A page is gone. @p clean whether it said good-bye. */
enum page_action page_session_leave(struct page_session *session, const struct page_peer *peer,
                                    bool clean, int64_t now_ns);

/** Tells when page_session_run() has something to do; false while nothing is to be waited for. */
bool page_session_deadline(const struct page_session *session, int64_t *deadline_ns);

/** Gives up what is due. */
enum page_action page_session_run(struct page_session *session, int64_t now_ns);

#endif
