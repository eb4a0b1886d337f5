/**
 * @file
 * Finding the TV that the user means: for the commands that take a name, or nothing, in the place
 * of a URL.
 */
#ifndef DVBCSS_TOOL_FIND_TV_H
#define DVBCSS_TOOL_FIND_TV_H

#include "command.h"
#include "dvbcss/discovery_client.h"

/** Whether an argument is a URL of any kind. */
bool find_tv_is_url(const char *argument);

/**
 * Has a search look at one place: the device description if @p argument is a URL, else the host of
 * that name or address.
 */
void find_tv_at(struct dvbcss_discovery_client_options *options, const char *argument);

/**
 * Finds a TV: the one whose description is at the URL @p name, the one at the numeric address
 * @p name, the one that is called @p name (in any case, or a part of it that no other has), or with
 * NULL the only one there is.
 *
 * @param tv filled on success
 * @return EXIT_DONE, or EXIT_FAILED after saying why; then @p tv holds what came of the last device
 *         that could not be read, or nothing at all (its `text` is "" then)
 */
int find_tv(const struct command *command, const char *name, struct dvbcss_discovered *tv);

/** Whether an argument is the URL of a CII endpoint, and no description, host or name of a TV. */
bool find_tv_is_cii_url(const char *argument);

/**
 * Finds the CII endpoint that the user means: @p argument itself if it is the URL of one, else that
 * of the TV which find_tv() finds.
 *
 * @param tv  where the URL is kept if it is not the argument
 * @param url filled on success
 * @return EXIT_DONE, or EXIT_FAILED after saying why
 */
int find_cii_url(const struct command *command, const char *argument, struct dvbcss_discovered *tv,
                 const char **url);

#endif
