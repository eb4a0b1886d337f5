#include "control_guard.h"

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

/* A header that is missing is empty. Returns false if it is too long to be right. */
static bool read_header(const struct dvbcss_http_request *request, const char *name,
                        char value[GUARD_ORIGIN_SIZE])
{
    int error = dvbcss_http_request_header(request, name, value, GUARD_ORIGIN_SIZE);

    if (error == DVBCSS_ENOENT)
        value[0] = '\0';
    return error != DVBCSS_ENOSPC;
}

/* As dvbcss_access_check(), with the page's origin for the answer. */
static int check_page(const struct control_guard *guard, const struct dvbcss_http_request *request,
                      bool own_pages, char origin[GUARD_ORIGIN_SIZE])
{
    struct dvbcss_access access = {own_pages ? DVBCSS_ORIGIN_SAME : DVBCSS_ORIGIN_NONE_OR_LISTED,
                                   guard->origins, guard->hosts};
    char host[GUARD_ORIGIN_SIZE];

    if (!read_header(request, "host", host))
        return DVBCSS_REFUSAL_HOST;
    if (!read_header(request, "origin", origin))
        return DVBCSS_REFUSAL_ORIGIN;
    return dvbcss_access_check(&access, host, origin);
}

void control_guard_check(const struct control_guard *guard,
                         const struct dvbcss_http_request *request, unsigned flags,
                         struct control_verdict *verdict)
{
    int why;

    memset(verdict, 0, sizeof *verdict);
    if (request->local->sa_family == AF_UNIX)
        return;
    why = check_page(guard, request, flags & GUARD_OWN_PAGES, verdict->origin);
    if (why >= 0) {
        verdict->status = 403;
        verdict->reason = why == DVBCSS_REFUSAL_HOST
                              ? "the Host is none of this server's; see control.hosts"
                              : "web pages of this Origin may not; see control.origins";
        verdict->origin[0] = '\0';
    } else if (!(flags & GUARD_OPEN) && !token_is_right(guard, request)) {
        verdict->status = 401;
        verdict->reason = "a bearer token is needed: it is missing or wrong";
    }
}
