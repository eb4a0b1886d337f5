/* A name with several addresses, of which the first leads nowhere. */
#include <dlfcn.h>
#include <netdb.h>

#include "ws_client_fixture.h"

static const char television[] = "tv.example";

/* ---- who is asked for the addresses ---------------------------------------------------------- */

typedef int (*look_up)(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **addresses);

/* Stands before the one of the system, which libuv's thread asks. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
                struct addrinfo **pai)
{
    look_up system_look_up = (look_up)dlsym(RTLD_NEXT, "getaddrinfo");
    int error;

    if (!name || strcmp(name, television) != 0)
        return system_look_up(name, service, req, pai);
    error = system_look_up("127.0.0.2", service, req, pai);
    return error ? error : system_look_up("127.0.0.1", service, req, &(*pai)->ai_next);
}

/* ---- who does not answer --------------------------------------------------------------------- */

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static void hang_up_at_once(uv_stream_t *listener, int status)
{
    uv_tcp_t *connection = malloc(sizeof *connection);
    unsigned *callers = listener->data;

    cr_assert_eq(status, 0);
    cr_assert_eq(uv_tcp_init(listener->loop, connection), 0);
    cr_assert_eq(uv_accept(listener, (uv_stream_t *)connection), 0);
    ++*callers;
    uv_close((uv_handle_t *)connection, free_handle);
}

static void listen_beside(struct fixture *f, uv_tcp_t *listener, unsigned *callers)
{
    struct sockaddr_in address;

    cr_assert_eq(uv_ip4_addr("127.0.0.2", toy_server_port(f->server), &address), 0);
    cr_assert_eq(uv_tcp_init(&f->test.loop, listener), 0);
    listener->data = callers;
    cr_assert_eq(uv_tcp_bind(listener, (struct sockaddr *)&address, 0), 0);
    cr_assert_eq(uv_listen((uv_stream_t *)listener, 1, hang_up_at_once), 0);
}

Test(ws_client_addresses, goes_on_to_the_next_where_the_first_closes_without_an_answer)
{
    static const struct toy_script script = {.opened = NULL};
    unsigned callers = 0;
    uv_tcp_t listener;
    struct fixture f;
    char url[64];

    begin(&f, &script);
    listen_beside(&f, &listener, &callers);
    snprintf(url, sizeof url, "ws://%s:%u/", television, toy_server_port(f.server));
    cr_assert_eq(ws_client_create(&f.client, &f.test.loop, url, &f.options, &events, &f, NULL), 0);
    ws_client_connect(f.client);
    TEST_LOOP_UNTIL(&f.test, f.opened || f.ended);
    cr_assert_eq(f.ended, 0, "%s", f.why.text);
    cr_assert_eq(callers, 1);
    cr_assert_str_eq(ws_client_peer(f.client), "127.0.0.1");
    uv_close((uv_handle_t *)&listener, NULL);
    end(&f);
}
