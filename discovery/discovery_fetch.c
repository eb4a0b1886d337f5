#include "discovery/discovery_fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/list.h"
#include "dvbcss/alloc.h"

struct discovery_fetcher {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct discovery_fetch_limits limits;
    struct list_node fetches;
    /* Handles and look-ups that have to go off the loop before the end. */
    unsigned open_handles;
    bool closing;
    void (*closed)(void *user);
    void *closed_user;
};

struct fetch {
    struct list_node node;
    struct discovery_fetcher *fetcher;
    CURL *easy;
    uv_getaddrinfo_t lookup;
    bool looking_up;
    struct dvbcss_url url;
    /* Tells curl what the name means. */
    struct curl_slist *resolved;
    char *body;
    size_t length;
    bool too_long;
    char content_type[128];
    char application_url[DVBCSS_DISCOVERY_URL_SIZE];
    char error_text[CURL_ERROR_SIZE];
    discovery_fetch_done done;
    void *user;
};

/* A socket of curl's, watched on the loop. */
struct watched {
    uv_poll_t poll;
    curl_socket_t fd;
    struct discovery_fetcher *fetcher;
};

/* ---- ends ----------------------------------------------------------------------------------- */

static void free_fetch(struct fetch *fetch)
{
    list_remove(&fetch->node);
    if (fetch->easy) {
        if (fetch->fetcher->multi)
            curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
        curl_easy_cleanup(fetch->easy);
    }
    curl_slist_free_all(fetch->resolved);
    dvbcss_free(fetch->body);
    dvbcss_free(fetch);
}

static void release(struct discovery_fetcher *fetcher)
{
    void (*closed)(void *user) = fetcher->closed;
    void *user = fetcher->closed_user;

    if (--fetcher->open_handles > 0)
        return;
    dvbcss_free(fetcher);
    if (closed)
        closed(user);
}

/* How an error of curl's is called here. */
static int error_of(const struct fetch *fetch, CURLcode code, unsigned status)
{
    if (fetch->too_long)
        return DVBCSS_ELENGTH;
    switch (code) {
    case CURLE_OK:
        return status == 200 ? 0 : DVBCSS_EREFUSED;
    case CURLE_COULDNT_RESOLVE_HOST:
        return DVBCSS_ERESOLVE;
    case CURLE_COULDNT_CONNECT:
        return DVBCSS_EADDRESS;
    case CURLE_OPERATION_TIMEDOUT:
        return DVBCSS_ETIMEDOUT;
    case CURLE_OUT_OF_MEMORY:
        return DVBCSS_ENOMEM;
    default:
        return DVBCSS_EPROTOCOL;
    }
}

/* Where the answer came from. A zone is in the URL only. */
static void fill_address(const struct fetch *fetch, struct discovery_fetched *fetched)
{
    char *address = NULL;

    if (strchr(fetch->url.host, '%'))
        address = (char *)(uintptr_t)fetch->url.host;
    else
        curl_easy_getinfo(fetch->easy, CURLINFO_PRIMARY_IP, &address);
    snprintf(fetched->address, sizeof fetched->address, "%.*s", (int)sizeof fetched->address - 1,
             address ? address : "");
}

/* Tells the result and forgets the request; the fetcher may be closing afterwards. */
static void finish(struct fetch *fetch, CURLcode code)
{
    struct discovery_fetched fetched = {.body = fetch->body ? fetch->body : "",
                                        .length = fetch->length};
    char text[256];
    long status = 0;

    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    fetched.status = (unsigned)status;
    fetched.error = error_of(fetch, code, fetched.status);
    fill_address(fetch, &fetched);
    memcpy(fetched.content_type, fetch->content_type, sizeof fetched.content_type);
    memcpy(fetched.application_url, fetch->application_url, sizeof fetched.application_url);
    if (fetched.error == DVBCSS_EREFUSED)
        snprintf(text, sizeof text, "the answer has status %ld", status);
    else if (fetched.error == DVBCSS_ELENGTH)
        snprintf(text, sizeof text, "the document is longer than %zu bytes",
                 fetch->fetcher->limits.max_bytes);
    else
        snprintf(text, sizeof text, "%s",
                 fetch->error_text[0] ? fetch->error_text : dvbcss_error_text(fetched.error));
    fetched.text = text;
    /* Taken off before it is told, so that the program may close everything. */
    list_remove(&fetch->node);
    list_init(&fetch->node);
    curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
    fetch->done(fetch->user, &fetched);
    curl_easy_cleanup(fetch->easy);
    fetch->easy = NULL;
    free_fetch(fetch);
}

static void finish_unresolved(struct fetch *fetch, int status)
{
    struct discovery_fetched fetched = {.body = "", .error = DVBCSS_ERESOLVE};

    fetched.text = uv_strerror(status);
    list_remove(&fetch->node);
    list_init(&fetch->node);
    fetch->done(fetch->user, &fetched);
    free_fetch(fetch);
}

/* ---- curl on the loop ----------------------------------------------------------------------- */

/* Tells what has ended. After each the fetcher may be closing. */
static void collect(struct discovery_fetcher *fetcher)
{
    CURLMsg *message;
    int left;

    while (!fetcher->closing && (message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        struct fetch *fetch = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&fetch);
        finish(fetch, code);
    }
}

static void on_socket_ready(uv_poll_t *poll, int status, int events)
{
    struct watched *watched = poll->data;
    struct discovery_fetcher *fetcher = watched->fetcher;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;
    int running;

    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(fetcher->multi, watched->fd, flags, &running);
    collect(fetcher);
}

static void on_timer(uv_timer_t *timer)
{
    struct discovery_fetcher *fetcher = timer->data;
    int running;

    curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(fetcher);
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
    struct discovery_fetcher *fetcher = user;

    (void)multi;
    if (fetcher->closing)
        return 0;
    if (timeout_ms < 0)
        return uv_timer_stop(&fetcher->timer);
    return uv_timer_start(&fetcher->timer, on_timer, (uint64_t)timeout_ms, 0);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct watched *watched = handle->data;
    struct discovery_fetcher *fetcher = watched->fetcher;

    dvbcss_free(watched);
    release(fetcher);
}

static struct watched *watch(struct discovery_fetcher *fetcher, curl_socket_t fd)
{
    struct watched *watched = dvbcss_calloc(1, sizeof *watched);

    if (!watched)
        return NULL;
    watched->fd = fd;
    watched->fetcher = fetcher;
    if (uv_poll_init_socket(fetcher->loop, &watched->poll, fd) != 0) {
        dvbcss_free(watched);
        return NULL;
    }
    watched->poll.data = watched;
    fetcher->open_handles++;
    curl_multi_assign(fetcher->multi, fd, watched);
    return watched;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
    struct discovery_fetcher *fetcher = user;
    struct watched *watched = socket_user;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched) {
            curl_multi_assign(fetcher->multi, fd, NULL);
            uv_close((uv_handle_t *)&watched->poll, on_poll_closed);
        }
        return 0;
    }
    if (!watched)
        watched = watch(fetcher, fd);
    if (!watched)
        return -1;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= UV_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&watched->poll, events, on_socket_ready);
}

/* ---- what comes ----------------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t count, void *user)
{
    struct fetch *fetch = user;
    size_t length = size * count;

    if (length > fetch->fetcher->limits.max_bytes - fetch->length) {
        fetch->too_long = true;
        return 0;
    }
    memcpy(fetch->body + fetch->length, bytes, length);
    fetch->length += length;
    return length;
}

/* Copies the value of a header if it is this one, and fits. */
static void take_value(const char *line, size_t length, const char *name, char *value, size_t size)
{
    size_t name_length = strlen(name);

    if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
        line[name_length] != ':')
        return;
    line += name_length + 1;
    length -= name_length + 1;
    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    while (length > 0 && (unsigned char)line[length - 1] <= ' ')
        length--;
    if (length >= size)
        return;
    memcpy(value, line, length);
    value[length] = '\0';
}

static size_t take_header(char *line, size_t size, size_t count, void *user)
{
    struct fetch *fetch = user;
    size_t length = size * count;

    take_value(line, length, "Content-Type", fetch->content_type, sizeof fetch->content_type);
    take_value(line, length, "Application-URL", fetch->application_url,
               sizeof fetch->application_url);
    return length;
}

/* ---- requests ------------------------------------------------------------------------------- */

/* The numeric form needs no look-up. */
static bool is_numeric(const char *host)
{
    struct in_addr v4;

    return strchr(host, ':') || inet_pton(AF_INET, host, &v4) == 1;
}

static int set_options(struct fetch *fetch, const char *url)
{
    const struct discovery_fetch_limits *limits = &fetch->fetcher->limits;
    CURL *easy = fetch->easy;
    CURLcode codes[] = {
        curl_easy_setopt(easy, CURLOPT_URL, url),
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http"),
        curl_easy_setopt(easy, CURLOPT_PROXY, ""),
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L),
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1),
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L),
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)limits->timeout_ms),
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L),
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error_text),
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body),
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch),
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header),
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch),
        curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch),
        curl_easy_setopt(easy, CURLOPT_RESOLVE, fetch->resolved),
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i] != CURLE_OK)
            return DVBCSS_ENOMEM;
    }
    return 0;
}

static int submit(struct fetch *fetch)
{
    char url[DVBCSS_URL_TEXT_SIZE];
    int error = dvbcss_url_format(&fetch->url, url, sizeof url);

    fetch->easy = curl_easy_init();
    fetch->body = dvbcss_malloc(fetch->fetcher->limits.max_bytes + 1);
    if (!fetch->easy || !fetch->body)
        return DVBCSS_ENOMEM;
    if (!error)
        error = set_options(fetch, url);
    if (!error && curl_multi_add_handle(fetch->fetcher->multi, fetch->easy) != CURLM_OK)
        error = DVBCSS_ENOMEM;
    return error;
}

/* "name:port:address": all that curl may connect to. */
static int remember_address(struct fetch *fetch, const struct addrinfo *found)
{
    char address[INET6_ADDRSTRLEN];
    char entry[DVBCSS_URL_HOST_SIZE + INET6_ADDRSTRLEN + 16];

    if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0,
                    NI_NUMERICHOST) != 0)
        return DVBCSS_ERESOLVE;
    snprintf(entry, sizeof entry, "%s:%u:%s", fetch->url.host, fetch->url.port, address);
    fetch->resolved = curl_slist_append(NULL, entry);
    return fetch->resolved ? 0 : DVBCSS_ENOMEM;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct fetch *fetch = request->data;
    struct discovery_fetcher *fetcher = fetch->fetcher;

    fetch->looking_up = false;
    if (fetcher->closing) {
        free_fetch(fetch);
    } else {
        if (status == 0 && (remember_address(fetch, found) != 0 || submit(fetch) != 0))
            status = UV_EAI_MEMORY;
        if (status != 0)
            finish_unresolved(fetch, status);
    }
    uv_freeaddrinfo(found);
    release(fetcher);
}

static int look_up(struct fetch *fetch)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int result;

    fetch->lookup.data = fetch;
    result = uv_getaddrinfo(fetch->fetcher->loop, &fetch->lookup, on_resolved, fetch->url.host,
                            NULL, &hints);
    if (result != 0)
        return result == UV_ENOMEM ? DVBCSS_ENOMEM : DVBCSS_ERESOLVE;
    fetch->looking_up = true;
    fetch->fetcher->open_handles++;
    return 0;
}

int discovery_fetch_start(struct discovery_fetcher *fetcher, const struct dvbcss_url *url,
                          discovery_fetch_done done, void *user)
{
    struct fetch *fetch = dvbcss_calloc(1, sizeof *fetch);
    int error;

    if (!fetch)
        return DVBCSS_ENOMEM;
    fetch->fetcher = fetcher;
    fetch->url = *url;
    fetch->done = done;
    fetch->user = user;
    list_init(&fetch->node);
    error = is_numeric(url->host) ? submit(fetch) : look_up(fetch);
    if (error) {
        free_fetch(fetch);
        return error;
    }
    list_append(&fetcher->fetches, &fetch->node);
    return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void discovery_fetcher_close(struct discovery_fetcher *fetcher, void (*closed)(void *user),
                             void *user)
{
    struct list_node *node;
    struct list_node *after;

    if (!fetcher)
        return;
    fetcher->closing = true;
    fetcher->closed = closed;
    fetcher->closed_user = user;
    LIST_FOR_EACH (node, after, &fetcher->fetches) {
        struct fetch *fetch = CONTAINER_OF(node, struct fetch, node);

        /* A look-up runs to its end, and frees its request then. */
        if (fetch->looking_up)
            (void)uv_cancel((uv_req_t *)&fetch->lookup);
        else
            free_fetch(fetch);
    }
    curl_multi_cleanup(fetcher->multi);
    fetcher->multi = NULL;
    uv_close((uv_handle_t *)&fetcher->timer, on_timer_closed);
}

int discovery_fetcher_create(struct discovery_fetcher **out, uv_loop_t *loop,
                             const struct discovery_fetch_limits *limits)
{
    struct discovery_fetcher *fetcher = dvbcss_calloc(1, sizeof *fetcher);

    if (!fetcher)
        return DVBCSS_ENOMEM;
    fetcher->multi = curl_multi_init();
    if (!fetcher->multi) {
        dvbcss_free(fetcher);
        return DVBCSS_EIO;
    }
    fetcher->loop = loop;
    fetcher->limits = *limits;
    fetcher->open_handles = 1;
    list_init(&fetcher->fetches);
    uv_timer_init(loop, &fetcher->timer);
    fetcher->timer.data = fetcher;
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    *out = fetcher;
    return 0;
}
