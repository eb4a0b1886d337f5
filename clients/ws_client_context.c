#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "clients/ws_client_internal.h"
#include "common/loop_pipe.h"
#include "dvbcss/alloc.h"
#include "dvbcss/error.h"

enum {
    /* A peer that does not answer a close frame is dropped after this time. */
    CLOSE_TIMEOUT_MS = 1000,
    SWEEP_MS = 20,
};

/* All contexts of the process; one for each loop. Loops may live in different threads, but
 * libwebsockets starts and ends one context at a time only: under the lock. */
static struct list_node contexts = {&contexts, &contexts};
static uv_mutex_t contexts_lock;
static uv_once_t contexts_once = UV_ONCE_INIT;

static void contexts_begin(void)
{
    (void)uv_mutex_init(&contexts_lock);
}

/* ---- knowing when libwebsockets is off the loop ---------------------------------------------- */

struct handle_search {
    struct ws_client_context *context;
    unsigned skip;
    unsigned found;
};

/* Takes note of the handles on the loop that are younger than the first @p skip ones. */
static void note_handle(uv_handle_t *handle, void *argument)
{
    struct handle_search *search = argument;
    struct ws_client_context *context = search->context;

    if (search->skip > 0)
        search->skip--;
    else if (handle->type != UV_POLL && context->static_count < WS_STATIC_HANDLES_MAX)
        context->statics[context->static_count++] = handle;
}

static void find_handle(uv_handle_t *handle, void *argument)
{
    struct handle_search *search = argument;

    for (unsigned i = 0; i < search->context->static_count; i++)
        if (search->context->statics[i] == handle)
            search->found++;
}

static bool statics_gone(struct ws_client_context *context)
{
    struct handle_search search = {.context = context};

    uv_walk(context->loop, find_handle, &search);
    return search.found == 0;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void tls_free(struct ws_client_tls *tls)
{
    list_remove(&tls->node);
    SSL_CTX_free(tls->ssl);
    dvbcss_free(tls->ca_file);
    dvbcss_free(tls);
}

static void context_free(struct ws_client_context *context)
{
    while (!list_empty(&context->tls))
        tls_free(CONTAINER_OF(context->tls.next, struct ws_client_tls, node));
    while (!list_empty(&context->leaving)) {
        struct ws_client_context_user *user =
            CONTAINER_OF(context->leaving.next, struct ws_client_context_user, node);

        list_remove(&user->node);
        user->released(user);
    }
    dvbcss_free(context);
}

static void on_sweeper_closed(uv_handle_t *handle)
{
    context_free(handle->data);
}

static void on_ending(uv_timer_t *timer)
{
    struct ws_client_context *context = timer->data;

    if (!statics_gone(context)) {
        (void)uv_timer_start(timer, on_ending, 1, 0);
        return;
    }
    uv_mutex_lock(&contexts_lock);
    ws_client_lws_free(context);
    uv_mutex_unlock(&contexts_lock);
    uv_close((uv_handle_t *)timer, on_sweeper_closed);
}

/* With contexts_lock held. */
static void context_end(struct ws_client_context *context)
{
    context->ending = true;
    ws_client_lws_end(context);
    loop_pipe_guard(context->pipe);
    (void)uv_timer_start(&context->sweeper, on_ending, 0, 0);
}

static void release_users(struct ws_client_context *context)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &context->leaving) {
        struct ws_client_context_user *user =
            CONTAINER_OF(node, struct ws_client_context_user, node);

        if (user->sockets > 0)
            continue;
        list_remove(&user->node);
        user->released(user);
    }
}

/* The first time asks the peer, the second drops it; should libwebsockets say nothing even then, we
 * forget the socket, and it cannot find us. */
static void close_detached(struct ws_client_socket *socket)
{
    uint64_t now_ms = uv_now(socket->context_user->context->loop);

    if (socket->kills > 0 && now_ms - socket->killed_at_ms < CLOSE_TIMEOUT_MS)
        return;
    socket->killed_at_ms = now_ms;
    if (++socket->kills <= 2)
        ws_client_lws_kill(socket, socket->kills == 1);
    else
        ws_client_socket_free(socket);
}

static void context_leave_all(struct ws_client_context *context)
{
    uv_mutex_lock(&contexts_lock);
    list_remove(&context->node);
    context_end(context);
    uv_mutex_unlock(&contexts_lock);
}

static void on_sweep(uv_timer_t *timer)
{
    struct ws_client_context *context = timer->data;
    struct list_node *node;
    struct list_node *after;
    bool closing = false;

    LIST_FOR_EACH (node, after, &context->sockets) {
        struct ws_client_socket *socket = CONTAINER_OF(node, struct ws_client_socket, node);

        if (socket->detached)
            close_detached(socket);
    }
    for (node = context->sockets.next; node != &context->sockets; node = node->next)
        closing = closing || CONTAINER_OF(node, struct ws_client_socket, node)->detached;
    if (closing)
        (void)uv_timer_start(timer, on_sweep, SWEEP_MS, 0);
    else
        uv_timer_stop(timer);
    if (!list_empty(&context->users))
        release_users(context);
    else if (list_empty(&context->sockets))
        context_leave_all(context);
}

void ws_client_context_sweep_soon(struct ws_client_context *context)
{
    if (!context->ending)
        (void)uv_timer_start(&context->sweeper, on_sweep, 0, 0);
}

/* With contexts_lock held. What was begun when libwebsockets fails ends by itself, on the loop. */
static int context_create(struct ws_client_context **out, uv_loop_t *loop)
{
    struct ws_client_context *context = dvbcss_calloc(1, sizeof *context);
    struct handle_search search = {.context = context};
    unsigned handles;

    if (!context)
        return DVBCSS_ENOMEM;
    context->loop = loop;
    context->pipe = -1;
    list_init(&context->tls);
    list_init(&context->sockets);
    list_init(&context->users);
    list_init(&context->leaving);
    (void)uv_timer_init(loop, &context->sweeper);
    context->sweeper.data = context;
    handles = loop_pipe_count_handles(loop);
    if (ws_client_lws_begin(context) != 0) {
        uv_close((uv_handle_t *)&context->sweeper, on_sweeper_closed);
        return DVBCSS_EIO;
    }
    context->pipe = loop_pipe_find(loop, handles);
    search.skip = handles;
    uv_walk(loop, note_handle, &search);
    context->plain = ws_client_lws_vhost_create(context, "plain", NULL);
    if (!context->plain) {
        list_init(&context->node);
        context_end(context);
        return DVBCSS_EIO;
    }
    list_append(&contexts, &context->node);
    *out = context;
    return 0;
}

static struct ws_client_context *context_find(uv_loop_t *loop)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &contexts) {
        struct ws_client_context *context = CONTAINER_OF(node, struct ws_client_context, node);

        if (context->loop == loop)
            return context;
    }
    return NULL;
}

int ws_client_context_join(uv_loop_t *loop, struct ws_client_context_user *user)
{
    struct ws_client_context *context;
    int error = 0;

    uv_once(&contexts_once, contexts_begin);
    uv_mutex_lock(&contexts_lock);
    context = context_find(loop);
    if (!context)
        error = context_create(&context, loop);
    uv_mutex_unlock(&contexts_lock);
    if (error)
        return error;
    user->context = context;
    user->sockets = 0;
    user->leaving = false;
    list_append(&context->users, &user->node);
    return 0;
}

void ws_client_context_leave(struct ws_client_context_user *user)
{
    user->leaving = true;
    list_remove(&user->node);
    list_append(&user->context->leaving, &user->node);
    ws_client_context_sweep_soon(user->context);
}

static bool serves(const struct ws_client_tls *tls, const struct ws_client_trust *trust)
{
    if (!tls->ca_file || !trust->ca_file)
        return tls->ca_file == trust->ca_file &&
               tls->pins_alone == ws_client_trust_is_pin_alone(trust);
    return strcmp(tls->ca_file, trust->ca_file) == 0;
}

static struct ws_client_tls *tls_find(struct ws_client_context *context,
                                      const struct ws_client_trust *trust)
{
    struct list_node *node;
    struct list_node *after;

    LIST_FOR_EACH (node, after, &context->tls) {
        struct ws_client_tls *tls = CONTAINER_OF(node, struct ws_client_tls, node);

        if (serves(tls, trust))
            return tls;
    }
    return NULL;
}

static int tls_create(struct ws_client_tls **out, struct ws_client_context *context,
                      const struct ws_client_trust *trust)
{
    struct ws_client_tls *tls = dvbcss_calloc(1, sizeof *tls);
    char name[32];

    if (!tls)
        return DVBCSS_ENOMEM;
    list_append(&context->tls, &tls->node);
    snprintf(name, sizeof name, "tls-%u", ++context->tls_count);
    tls->pins_alone = ws_client_trust_is_pin_alone(trust);
    tls->finder = (struct ws_client_trust_finder){ws_client_lws_trust, context};
    tls->ca_file = dvbcss_strdup(trust->ca_file);
    if (trust->ca_file && !tls->ca_file) {
        tls_free(tls);
        return DVBCSS_ENOMEM;
    }
    tls->ssl = ws_client_tls_create(trust, &tls->finder);
    if (tls->ssl)
        tls->vhost = ws_client_lws_vhost_create(context, name, tls->ssl);
    if (!tls->vhost) {
        tls_free(tls);
        return DVBCSS_ETLS;
    }
    *out = tls;
    return 0;
}

int ws_client_context_tls(struct ws_client_context *context, struct ws_client_trust *trust,
                          struct ws_client_tls **out)
{
    struct ws_client_tls *tls = tls_find(context, trust);
    int error = tls ? 0 : tls_create(&tls, context, trust);

    if (error)
        return error;
    trust->ca_file = tls->ca_file;
    *out = tls;
    return 0;
}
