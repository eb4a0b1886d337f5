#include "listeners.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dvbcss/url.h"
#include "services.h"

/* One of the two kinds of listener: where it is by configuration, unless a manager has opened it.
 */
struct kind {
    const struct socket_list *inherited;
    bool enabled;
    const char *address;
    int64_t port;
    bool tls;
};

static size_t add_listeners(const struct kind *kind, struct dvbcss_server_listen *listen)
{
    if (!kind->enabled)
        return 0;
    for (size_t i = 0; i < kind->inherited->count; i++)
        listen[i] =
            (struct dvbcss_server_listen){.socket = kind->inherited->fds[i], .tls = kind->tls};
    if (kind->inherited->count != 0)
        return kind->inherited->count;
    listen[0] = (struct dvbcss_server_listen){
        /* What the base calls "::" is IPv6 alone. */
        .host = strcmp(kind->address, "::") == 0 ? NULL : kind->address,
        .port = (uint16_t)kind->port,
        .tls = kind->tls,
    };
    return 1;
}

size_t listeners_of_companions(const struct sockets *sockets, const struct config *config,
                               struct dvbcss_server_listen listen[LISTENERS_MAX])
{
    const struct kind plain = {&sockets->http, config->http.enabled, config->http.address,
                               config->http.port, false};
    const struct kind secure = {&sockets->https, config->tls.enabled, config->tls.address,
                                config->tls.port, true};
    size_t count = add_listeners(&plain, listen);

    return count + add_listeners(&secure, listen + count);
}

struct dvbcss_server_tls listeners_certificate(const struct config_tls *tls)
{
    return (struct dvbcss_server_tls){*tls->certificate ? tls->certificate : NULL,
                                      *tls->key ? tls->key : NULL};
}

/* What the configuration calls the option at @p path of a server. */
static const char *key_of(const char *path, const struct dvbcss_server_listen *listen)
{
    static const char address[] = "listen[";

    if (strcmp(path, "tls.certificate_file") == 0)
        return "tls.certificate";
    if (strcmp(path, "tls.key_file") == 0)
        return "tls.key";
    if (strncmp(path, address, sizeof address - 1) != 0)
        return path;
    if (!listen)
        return "";
    return listen[strtoul(path + sizeof address - 1, NULL, 10)].tls ? "tls" : "http";
}

void listeners_explain(int error, const struct dvbcss_report *report,
                       const struct dvbcss_server_listen *listen, char *reason, size_t reason_size)
{
    const char *key = key_of(report->path, listen);

    snprintf(reason, reason_size, "%s%s%s", key, *key ? ": " : "",
             *report->reason ? report->reason : dvbcss_error_text(error));
}

/* ---- URLs ----------------------------------------------------------------------------------- */

void listeners_host(const char *address, char *host, size_t size)
{
    if (strcmp(address, "0.0.0.0") == 0)
        address = "127.0.0.1";
    else if (strcmp(address, "::") == 0)
        address = "::1";
    if (dvbcss_url_host_of_address(address, host, size) != 0)
        snprintf(host, size, "localhost");
}

static uint16_t port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
}

/* The first listener of its kind has the URL. */
static void write_url(const struct dvbcss_server *server, size_t index, const char *scheme,
                      char *url, size_t size)
{
    const struct sockaddr *address = dvbcss_server_address(server, index);
    char text[DVBCSS_URL_HOST_SIZE], host[DVBCSS_URL_HOST_SIZE];

    if (*url)
        return;
    uv_ip_name(address, text, sizeof text);
    listeners_host(text, host, sizeof host);
    snprintf(url, size, "%s://%s:%u", scheme, host, port_of(address));
}

void listeners_write_urls(struct services *services)
{
    const struct dvbcss_server *server = services->server;
    struct services_urls *urls = &services->urls;

    for (size_t i = 0; i < dvbcss_server_address_count(server); i++) {
        if (dvbcss_server_address_secure(server, i))
            write_url(server, i, "https", urls->https, sizeof urls->https);
        else
            write_url(server, i, "http", urls->http, sizeof urls->http);
    }
}

const char *listeners_base_url(const struct services *services)
{
    return *services->urls.http ? services->urls.http : services->urls.https;
}

/* ---- certificates --------------------------------------------------------------------------- */

int listeners_reload(struct services *services, const struct config_tls *tls, char *reason,
                     size_t reason_size)
{
    struct dvbcss_server *servers[] = {services->server, control_server(services->control)};
    struct dvbcss_server_tls files = listeners_certificate(tls);
    struct dvbcss_report report = DVBCSS_REPORT_INIT;

    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        int error;

        if (!servers[i] || dvbcss_server_tls_not_after(servers[i]) == 0)
            continue;
        error = dvbcss_server_reload_tls(servers[i], &files, &report);
        if (error != 0) {
            listeners_explain(error, &report, NULL, reason, reason_size);
            return -1;
        }
    }
    return 0;
}
