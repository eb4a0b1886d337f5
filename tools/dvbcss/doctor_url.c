#include <string.h>

#include "doctor.h"
#include "dvbcss/url.h"

/* What is known of each use. */
static const struct {
    unsigned schemes;
    bool slash_at_end;
} uses[] = {
    [DOCTOR_URL_WEBSOCKET] = {DVBCSS_URL_ANY_WEBSOCKET, false},
    /* HbbTV's App2App base URLs do end with a slash. */
    [DOCTOR_URL_APP2APP] = {DVBCSS_URL_ANY_WEBSOCKET, true},
    [DOCTOR_URL_WALL_CLOCK] = {DVBCSS_URL_UDP, false},
};

/* The host of a URL that may be wrong in any way, without brackets. */
static void host_of(const char *url, char host[DVBCSS_URL_HOST_SIZE])
{
    const char *start = strstr(url, "://");
    size_t length;

    host[0] = '\0';
    if (!start)
        return;
    start += strlen("://");
    length = *start == '[' ? strcspn(++start, "]") : strcspn(start, ":/?#");
    if (length >= DVBCSS_URL_HOST_SIZE)
        length = DVBCSS_URL_HOST_SIZE - 1;
    memcpy(host, start, length);
    host[length] = '\0';
}

/* Whether a host is the address of the peer, whose zone does not count. */
static bool is_peer(const char *host, const char *peer)
{
    size_t length = strcspn(peer, "%");

    return strlen(host) == length && strncmp(host, peer, length) == 0;
}

static void check_host(struct doctor *doctor, const char *what, const char *url)
{
    char host[DVBCSS_URL_HOST_SIZE];

    host_of(url, host);
    if (host[0] == '\0')
        doctor_find(doctor, FINDING_HOST_EMPTY, "%s has no host: %s", what, url);
    /* Nobody is the peer here: what is left of the unusable hosts are the unspecified ones. */
    else if (dvbcss_url_host_unusable(host, "127.0.0.1"))
        doctor_find(doctor, FINDING_HOST_UNSPECIFIED, "%s names the address %s: %s", what, host,
                    url);
    else if (*doctor->peer && dvbcss_url_host_unusable(host, doctor->peer))
        doctor_find(doctor, FINDING_HOST_LOOPBACK, "%s names this very machine: %s", what, url);
    else if (*doctor->peer && !is_peer(host, doctor->peer) &&
             !dvbcss_url_host_unusable(host, "192.0.2.1"))
        doctor_find(doctor, FINDING_HOST_OTHER, "%s names %s, and the TV was reached at %s", what,
                    host, doctor->peer);
    if (strchr(host, ':'))
        doctor_find(doctor, FINDING_HOST_IPV6, "%s names an IPv6 address: %s", what, url);
}

/* What the parser refuses, beyond what the host is. */
static void check_form(struct doctor *doctor, enum doctor_url_use use, const char *what,
                       const char *url)
{
    struct dvbcss_report report = DVBCSS_REPORT_INIT;
    struct dvbcss_url parsed;
    int error = dvbcss_url_parse_advertised(url, uses[use].schemes, "192.0.2.1", &parsed, &report);

    if (error == DVBCSS_EUNSUPPORTED)
        doctor_find(doctor, FINDING_URL_SCHEME, "%s: %s: %s", what, report.reason, url);
    else if (error == DVBCSS_EMISSING)
        doctor_find(doctor, FINDING_URL_PORT, "%s: %s: %s", what, report.reason, url);
    else if (error)
        doctor_find(doctor, FINDING_URL_MALFORMED, "%s: %s: %s", what, report.reason, url);
}

void doctor_check_url(struct doctor *doctor, enum doctor_url_use use, const char *what,
                      const char *url)
{
    size_t length = strlen(url);

    check_form(doctor, use, what, url);
    if (strstr(url, "://"))
        check_host(doctor, what, url);
    if (!uses[use].slash_at_end && length > 0 && url[length - 1] == '/')
        doctor_find(doctor, FINDING_TRAILING_SLASH, "%s ends with a slash: %s", what, url);
}
