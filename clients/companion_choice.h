/**
 * @file
 * Which timeline a companion follows, and with which content id stem, as CII stands. Pure.
 */
#ifndef CLIENTS_COMPANION_CHOICE_H
#define CLIENTS_COMPANION_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "dvbcss/cii.h"
#include "dvbcss/companion.h"
#include "dvbcss/time.h"

/** What the program wants; as in struct dvbcss_companion_options. */
struct companion_wish {
    const char *const *selectors;
    size_t selector_count;
    struct dvbcss_rate timeline_rate;
    enum dvbcss_companion_stem stem;
    const char *content_id_stem;
};

/** What to ask the TV for. The texts belong to the wish or to the CII state, or are constants. */
struct companion_choice {
    const char *selector;
    struct dvbcss_rate rate;
    const char *content_id_stem;
};

/** Chooses; false if the TV presents nothing, or nothing that is wanted. Without wishes the best of
 * the list, and PTS if the TV has sent no list (null or omitted; an empty one is a list). */
bool companion_choose(const struct companion_wish *wish, const struct dvbcss_cii *cii,
                      struct companion_choice *choice);

#endif
