/**
 * @file
 * One request to a daemon's control API, and its answer.
 */
#ifndef DVBCSS_TOOL_CTL_HTTP_H
#define DVBCSS_TOOL_CTL_HTTP_H

#include <jansson.h>
#include <stddef.h>

/** Where the daemon is. */
struct ctl_target {
    /** Path of the Unix-domain socket; not looked at if there is a URL. */
    const char *socket;
    /** "http://host:port" or "https://host:port"; NULL for the socket. */
    const char *url;
    /** File with certificates that an https server's must descend from; NULL for the system's. */
    const char *ca_file;
    /** As in struct dvbcss_client_options; NULL for none. */
    const char *pin;
    /** File whose first line is the bearer token; NULL for none. */
    const char *token_file;
    double timeout_s;
};

struct ctl_request {
    const char *method;
    /** From the slash on. */
    char path[512];
    /** NULL for none. */
    json_t *body;
};

struct ctl_answer {
    long status;
    /** Ended by a zero byte; to be freed. */
    char *text;
    size_t length;
};

/**
 * Sends a request and waits for the answer.
 *
 * @param answer filled on success, whatever the status
 * @param reason what went wrong, for people
 * @return 0 or -1
 */
int ctl_http_request(const struct ctl_target *target, const struct ctl_request *request,
                     struct ctl_answer *answer, char *reason, size_t reason_size);

#endif
