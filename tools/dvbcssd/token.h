/**
 * @file
 * A secret that peers have to know: from the configuration or from a file, compared in constant
 * time, and wiped in the end.
 */
#ifndef DVBCSSD_TOKEN_H
#define DVBCSSD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/** Padded with zeros, so that comparing takes the same time whatever is there. */
struct token {
    char text[CONFIG_TOKEN_MAX + 1];
};

/**
 * Takes the token of a section of the configuration.
 *
 * @param section as "control", for @p reason
 * @param text    "" for none
 * @param file    path of a file whose first line it is; "" for none
 * @param reason  filled on failure
 * @return 0 or -1
 */
int token_init(struct token *token, const char *section, const char *text, const char *file,
               char *reason, size_t reason_size);

/** Whether there is one. */
bool token_is_set(const struct token *token);

/** Whether @p given is it; false if there is none. */
bool token_matches(const struct token *token, const struct token *given);

/** Wipes it. */
void token_finish(struct token *token);

#endif
