#include "control_guard.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "dvbcss/alloc.h"

/* ---- token ---------------------------------------------------------------------------------- */

int control_guard_init(struct control_guard *guard, const struct config_control *config,
                       char *reason, size_t reason_size)
{
    memset(guard, 0, sizeof *guard);
    if (token_init(&guard->token, "control", config->token, config->token_file, reason,
                   reason_size) != 0)
        return -1;
    guard->hosts = dvbcss_strdup(config->hosts);
    guard->origins = dvbcss_strdup(config->origins);
    if (guard->hosts && guard->origins)
        return 0;
    control_guard_finish(guard);
    snprintf(reason, reason_size, "out of memory");
    return -1;
}

void control_guard_finish(struct control_guard *guard)
{
    token_finish(&guard->token);
    dvbcss_free(guard->hosts);
    dvbcss_free(guard->origins);
    guard->hosts = NULL;
    guard->origins = NULL;
}

static bool token_is_right(const struct control_guard *guard,
                           const struct dvbcss_http_request *request)
{
    static const char scheme[] = "Bearer ";
    const size_t scheme_length = sizeof scheme - 1;
    char value[sizeof scheme + CONFIG_TOKEN_MAX] = "";
    struct token given = {""};
    bool right;

    if (dvbcss_http_request_header(request, "authorization", value, sizeof value) != 0 ||
        strncasecmp(value, scheme, scheme_length) != 0)
        return false;
    memcpy(given.text, value + scheme_length, strlen(value + scheme_length));
    right = token_matches(&guard->token, &given);
    token_finish(&given);
    OPENSSL_cleanse(value, sizeof value);
    return right;
}

/* ---- host and origin ------------------------------------------------------------------------ */

/* Tells whether a list of words separated by spaces has this one. */
static bool list_has(const char *list, const char *word, size_t length)
{
    while (*list) {
        size_t item = strcspn(list, " ");

        if (item == length && length != 0 && strncasecmp(list, word, length) == 0)
            return true;
        list += item;
        list += strspn(list, " ");
    }
    return false;
}

/* A page that has its own name resolve to our address names itself in Host: an address cannot be
 * taken over like that, nor can localhost. */
static bool host_is_ours(const struct control_guard *guard,
                         const struct dvbcss_http_request *request)
{
    char host[256], *name = host;
    unsigned char address[16];
    size_t length;
    char *end;

    if (dvbcss_http_request_header(request, "host", host, sizeof host) != 0)
        return false;
    if (host[0] == '[') {
        name++;
        end = strchr(name, ']');
        if (!end)
            return false;
        *end = '\0';
        return inet_pton(AF_INET6, name, address) == 1;
    }
    length = strcspn(name, ":");
    name[length] = '\0';
    return inet_pton(AF_INET, name, address) == 1 || strcasecmp(name, "localhost") == 0 ||
           list_has(guard->hosts, name, length);
}

/* Tells whether the origin is the host that the request names, port included. A page elsewhere
 * cannot make a browser say so: Host was found to be ours. */
static bool origin_is_host(const struct dvbcss_http_request *request, const char *origin)
{
    const char *scheme_end = strstr(origin, "://");
    char host[256];

    return scheme_end && dvbcss_http_request_header(request, "host", host, sizeof host) == 0 &&
           strcasecmp(scheme_end + strlen("://"), host) == 0;
}

/* No origin is none of a web page. Returns false if there is one that may not. */
static bool origin_is_allowed(const struct control_guard *guard,
                              const struct dvbcss_http_request *request, bool own_pages,
                              char origin[GUARD_ORIGIN_SIZE])
{
    int error = dvbcss_http_request_header(request, "origin", origin, GUARD_ORIGIN_SIZE);

    if (error == DVBCSS_ENOENT) {
        origin[0] = '\0';
        return true;
    }
    return error == 0 && (list_has(guard->origins, origin, strlen(origin)) ||
                          (own_pages && origin_is_host(request, origin)));
}

void control_guard_check(const struct control_guard *guard,
                         const struct dvbcss_http_request *request, unsigned flags,
                         struct control_verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    if (request->local->sa_family == AF_UNIX)
        return;
    if (!host_is_ours(guard, request)) {
        verdict->status = 403;
        verdict->reason = "the Host is none of this server's; see control.hosts";
    } else if (!origin_is_allowed(guard, request, flags & GUARD_OWN_PAGES, verdict->origin)) {
        verdict->status = 403;
        verdict->reason = "web pages of this Origin may not; see control.origins";
        verdict->origin[0] = '\0';
    } else if (!(flags & GUARD_OPEN) && !token_is_right(guard, request)) {
        verdict->status = 401;
        verdict->reason = "a bearer token is needed: it is missing or wrong";
    }
}
