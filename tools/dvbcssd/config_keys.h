/**
 * @file
 * The table of configuration keys, and how a value's text is read. Private to the configuration.
 */
#ifndef DVBCSSD_CONFIG_KEYS_H
#define DVBCSSD_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct config_key;
struct config_type;

/**
 * Reads the text of a value into the member that a key names.
 *
 * @param reason filled when the text is refused: "expected a whole number"
 * @return 0 or -1
 */
typedef int (*config_reader)(const struct config_key *key, void *member, const char *text,
                             char *reason, size_t reason_size);

/** One key. */
struct config_key {
    const char *section;
    const char *name;
    const struct config_type *type;
    /** Where the member is in struct config, or in struct config_timeline for `[timeline.NAME]`. */
    size_t offset;
    /** Smallest and largest number, where the reader reads one. */
    double minimum, maximum;
    /** Allowed words, NULL-terminated, where the reader takes one. */
    const char *const *words;
    /** Default, as it would stand in a file. */
    const char *fallback;
    /** One line for people. */
    const char *help;
    /** CONFIG_LIVE, CONFIG_SECRET. */
    unsigned flags;
};

/** A change takes effect at a reload; without it, it needs a restart. */
#define CONFIG_LIVE 1u
/** The value must not be shown. */
#define CONFIG_SECRET 2u

/** All keys, grouped by section, in the order of the default file. */
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/** The section of keys that may be repeated under many names. */
#define CONFIG_TIMELINE_SECTION "timeline"

/** Finds a key; NULL if there is none. */
const struct config_key *config_key_find(const char *section, const char *name);

/** Tells whether any key has this section. */
bool config_section_known(const char *section);

/** Sets a key's member in @p base (a struct config or struct config_timeline) from text. */
int config_key_read(const struct config_key *key, void *base, const char *text, char *reason,
                    size_t reason_size);

/** Tells whether two configurations, or two timelines, agree in a key. */
bool config_key_equal(const struct config_key *key, const void *a, const void *b);

/** Swaps a key's values. */
void config_key_swap(const struct config_key *key, void *a, void *b);

/** Frees what a key's value holds. */
void config_key_free(const struct config_key *key, void *base);

#endif
