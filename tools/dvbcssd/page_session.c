#include "page_session.h"

#include <stddef.h>

const char *const page_state_names[] = {"nothing", "presented", "withdrawn", "inherited"};

/* One that never promised signs of life may be silent for as long as it presents something; one
 * that presents nothing must not stand in the way of others. */
static bool owner_is_silent(const struct page_session *session, int64_t now_ns)
{
    return session->silence_timeout_ns != 0 &&
           (session->owner->beats || session->state != PAGE_PRESENTED) &&
           now_ns - session->heard_ns >= session->silence_timeout_ns;
}

bool page_session_claim(struct page_session *session, struct page_peer *peer, int64_t now_ns,
                        struct page_peer **displaced)
{
    *displaced = NULL;
    if (session->owner) {
        if (!owner_is_silent(session, now_ns))
            return false;
        *displaced = session->owner;
    }
    /* Of what a silent owner presented nothing is there any more; it is not waited for either. */
    if (session->state == PAGE_WITHDRAWN)
        session->state = PAGE_NOTHING;
    else if (session->state == PAGE_PRESENTED) {
        session->state = PAGE_INHERITED;
        session->inherited_until_ns = now_ns;
    }
    session->owner = peer;
    session->since_ns = now_ns;
    session->heard_ns = now_ns;
    return true;
}

enum page_action page_session_heard(struct page_session *session, const struct page_peer *peer,
                                    int64_t now_ns)
{
    if (peer != session->owner)
        return PAGE_CARRY_ON;
    session->heard_ns = now_ns;
    if (session->state != PAGE_WITHDRAWN)
        return PAGE_CARRY_ON;
    session->state = PAGE_PRESENTED;
    return PAGE_RESUME;
}

bool page_session_present(struct page_session *session)
{
    bool anew = session->state != PAGE_PRESENTED;

    session->state = PAGE_PRESENTED;
    return anew;
}

enum page_action page_session_leave(struct page_session *session, const struct page_peer *peer,
                                    bool clean, int64_t now_ns)
{
    if (peer != session->owner)
        return PAGE_CARRY_ON;
    session->owner = NULL;
    if (session->state == PAGE_WITHDRAWN)
        session->state = PAGE_NOTHING;
    if (session->state != PAGE_PRESENTED)
        return PAGE_CARRY_ON;
    if (clean || session->silence_timeout_ns == 0) {
        session->state = PAGE_NOTHING;
        return PAGE_FALL_BACK;
    }
    session->state = PAGE_INHERITED;
    session->inherited_until_ns = now_ns + session->silence_timeout_ns;
    return PAGE_CARRY_ON;
}

bool page_session_deadline(const struct page_session *session, int64_t *deadline_ns)
{
    if (session->state == PAGE_INHERITED)
        *deadline_ns = session->inherited_until_ns;
    else if (session->state == PAGE_PRESENTED && session->owner->beats &&
             session->silence_timeout_ns != 0)
        *deadline_ns = session->heard_ns + session->silence_timeout_ns;
    else
        return false;
    return true;
}

enum page_action page_session_run(struct page_session *session, int64_t now_ns)
{
    int64_t deadline_ns;

    if (!page_session_deadline(session, &deadline_ns) || now_ns < deadline_ns)
        return PAGE_CARRY_ON;
    session->state = session->state == PAGE_PRESENTED ? PAGE_WITHDRAWN : PAGE_NOTHING;
    return PAGE_FALL_BACK;
}
