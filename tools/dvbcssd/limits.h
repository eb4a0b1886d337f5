/**
 * @file
 * What the configuration lets peers take, in the words of the server base: docs/limits.md.
 */
#ifndef DVBCSSD_LIMITS_H
#define DVBCSSD_LIMITS_H

#include "config.h"
#include "dvbcss/server.h"

struct services;

/** A limit of the base for one of the configuration, where 0 is none. */
int limits_or_unlimited(int64_t limit);

/** Sets the limits and timeouts of the companions' listener. */
void limits_of_listener(struct dvbcss_server_options *options, const struct config_http *config);

/** Sets the limits of the control listeners. */
void limits_of_control(struct dvbcss_server_options *options, const struct config_control *config);

/** Sets the limits of an endpoint. */
void limits_of_endpoint(struct dvbcss_endpoint_limits *limits,
                        const struct config_endpoint *config);

/** Sets those limits of App2App that can change while it runs, but for `max_connections`. */
void limits_of_app2app(struct dvbcss_endpoint_limits *limits, const struct config_app2app *config);

/** Sets those of the page channel, but for `max_connections`. */
void limits_of_page(struct dvbcss_endpoint_limits *limits, const struct config_page *config);

/** Which web pages an endpoint lets in. @p hosts is limits_hosts(); both lists stay whose they
 * are. */
struct dvbcss_access limits_access(const struct config_endpoint *config, const char *hosts);

/** The names that requests to the companions' listener may give, for struct dvbcss_access; the
 * caller frees it by dvbcss_free(). NULL if there is no memory. */
char *limits_hosts(const struct config_http *config);

/** Puts what the configuration says of the endpoints in force, but for the numbers of connections,
 * which control may have changed: 0 or a dvbcss_error. */
DVBCSS_NODISCARD int limits_apply(struct services *services);

/** Puts what it says of the listener in force, and with it the endpoints, which take names from
 * there. */
DVBCSS_NODISCARD int limits_apply_listener(struct services *services);

/** Space for the name of a refusal. */
enum { LIMITS_WORD_SIZE = 32 };

/** The name of a refusal for programs, as "unknown_path". Returns @p word. */
const char *limits_refusal_word(enum dvbcss_refusal why, char word[LIMITS_WORD_SIZE]);

#endif
