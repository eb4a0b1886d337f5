/**
 * @file
 * Where companions and control reach the daemon by TCP, plain and with TLS, as the configuration
 * says it.
 */
#ifndef DVBCSSD_LISTENERS_H
#define DVBCSSD_LISTENERS_H

#include <stddef.h>

#include "config.h"
#include "dvbcss/server.h"
#include "sockets.h"

struct services;

/** The most listeners that listeners_of_companions() gives. */
enum { LISTENERS_MAX = 2 * SOCKETS_MAX };

/** Fills in where companions are served, without TLS and then with it: on the sockets that were
 * handed over for it, or else on the address of the configuration. Returns how many there are.
 * @p config outlives @p listen. */
size_t listeners_of_companions(const struct sockets *sockets, const struct config *config,
                               struct dvbcss_server_listen listen[LISTENERS_MAX]);

/** The files of the certificate; NULL for what is not configured. */
struct dvbcss_server_tls listeners_certificate(const struct config_tls *tls);

/** Writes what is wrong as the configuration names it: "tls.key: /etc/tv.key: ...".
 *
 * @param error  of dvbcss_server_create() or dvbcss_server_reload_tls(), with its @p report
 * @param listen as listeners_of_companions() gave it; NULL to leave the section out */
void listeners_explain(int error, const struct dvbcss_report *report,
                       const struct dvbcss_server_listen *listen, char *reason, size_t reason_size);

/** The host that URLs of a service name that is bound to an address, for this machine. */
void listeners_host(const char *address, char *host, size_t size);

/** Writes the URLs of the companions' listeners, once they are open. */
void listeners_write_urls(struct services *services);

/** The URL of the plain listener, else of the one with TLS, without a path. */
const char *listeners_base_url(const struct services *services);

/** Has all listeners with TLS read certificate and key anew. Returns 0, or -1 with @p reason
 * filled: then they go on with what they have. */
int listeners_reload(struct services *services, const struct config_tls *tls, char *reason,
                     size_t reason_size);

#endif
