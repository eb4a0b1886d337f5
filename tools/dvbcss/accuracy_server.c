#include "accuracy_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "dvbcss/system_time.h"

static const int64_t begin_shown_ns = INT64_C(1000000000000);

static void close_server(void *user)
{
    struct accuracy_server *server = user;

    dvbcss_wc_server_close(server->server, NULL, NULL);
    server->server = NULL;
}

static void follow_away(void *user)
{
    struct accuracy_server *server = user;

    if (atomic_load(&server->away))
        close_server(server);
    else if (!server->server &&
             dvbcss_wc_server_create(&server->server, &server->thread.loop, &server->options) != 0)
        server->server = NULL;
}

int accuracy_server_start(struct accuracy_server *server, double skew_ppm,
                          double max_freq_error_ppm)
{
    static const struct dvbcss_wc_server_options defaults = DVBCSS_WC_SERVER_OPTIONS_INIT;
    int error = accuracy_thread_init(&server->thread, follow_away, close_server, server);

    if (error != 0)
        return error;
    server->clock.base_ns = dvbcss_monotonic_ns(NULL);
    server->clock.skew_ppm = skew_ppm;
    atomic_store(&server->clock.base_shown_ns, begin_shown_ns);
    server->options = defaults;
    server->options.address = "127.0.0.1";
    server->options.port = 0;
    server->options.max_freq_error_ppm = max_freq_error_ppm;
    server->options.now_ns = accuracy_clock_now;
    server->options.user = &server->clock;
    error = dvbcss_wc_server_create(&server->server, &server->thread.loop, &server->options);
    if (error != 0)
        return error;
    server->options.port = dvbcss_wc_server_port(server->server);
    return accuracy_thread_run(&server->thread);
}

struct impair_address accuracy_server_address(const struct accuracy_server *server)
{
    struct impair_address address = {.size = sizeof(struct sockaddr_in)};
    struct sockaddr_in *in = (struct sockaddr_in *)&address.storage;

    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in->sin_port = htons(server->options.port);
    return address;
}

void accuracy_server_set_away(struct accuracy_server *server, bool away)
{
    atomic_store(&server->away, away);
    accuracy_thread_wake(&server->thread);
}

void accuracy_server_end(struct accuracy_server *server)
{
    accuracy_thread_end(&server->thread);
}
