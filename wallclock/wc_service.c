#include "dvbcss/wc_service.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "dvbcss/alloc.h"
#include "wallclock/wc_address.h"
#include "wallclock/wc_counters.h"

enum {
    /* How often another free port is tried that may be free on all addresses. */
    PORT_ATTEMPTS = 16,
};

/* A thread, with one server for each address. The servers are made on the loop before the thread
 * runs it, so that what fails is told to the caller. */
struct service_thread {
    uv_loop_t loop;
    uv_async_t stop;
    uv_thread_t thread;
    bool started;
    struct dvbcss_wc_server **servers;
    unsigned server_count;
};

struct dvbcss_wc_service {
    unsigned thread_count;
    unsigned address_count;
    struct service_thread *threads;
    struct dvbcss_wc_server **servers;
};

/* ---- a thread ------------------------------------------------------------------------------- */

static void close_handles(struct service_thread *thread)
{
    for (unsigned i = 0; i < thread->server_count; i++)
        dvbcss_wc_server_close(thread->servers[i], NULL, NULL);
    uv_close((uv_handle_t *)&thread->stop, NULL);
}

static void on_stop(uv_async_t *stop)
{
    close_handles(stop->data);
}

static void run_thread(void *argument)
{
    struct service_thread *thread = argument;

    uv_run(&thread->loop, UV_RUN_DEFAULT);
}

/* Signals are the program's: none is delivered to a thread that it does not know of. */
static int start_thread(struct service_thread *thread)
{
    sigset_t all, before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = uv_thread_create(&thread->thread, run_thread, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->started = result == 0;
    return thread->started ? 0 : DVBCSS_EIO;
}

static int set_up_thread(struct service_thread *thread)
{
    if (uv_loop_init(&thread->loop) != 0)
        return DVBCSS_EIO;
    if (uv_async_init(&thread->loop, &thread->stop, on_stop) != 0) {
        (void)uv_loop_close(&thread->loop);
        return DVBCSS_EIO;
    }
    thread->stop.data = thread;
    return 0;
}

static void end_thread(struct service_thread *thread)
{
    if (thread->started) {
        (void)uv_async_send(&thread->stop);
        uv_thread_join(&thread->thread);
    } else {
        close_handles(thread);
        run_thread(thread);
    }
    (void)uv_loop_close(&thread->loop);
}

/* ---- starting ------------------------------------------------------------------------------- */

/* Whether "::" has to leave IPv4 to another address of the service. */
static bool has_ipv4(const struct dvbcss_wc_service_options *options)
{
    for (size_t i = 0; i < options->address_count; i++) {
        union wc_address address;

        if (options->addresses[i] && wc_address_parse(options->addresses[i], 0, &address) == 0 &&
            address.any.sa_family == AF_INET)
            return true;
    }
    return false;
}

static void tell(struct dvbcss_report *report, int error,
                 const struct dvbcss_wc_server_options *server)
{
    if (!report)
        return;
    report->error = error;
    snprintf(report->reason, sizeof report->reason, "address %s port %u",
             server->address ? server->address : "(none)", server->port);
}

/* Opens one thread's servers; `server->port`, if it is 0, becomes the one that the first got. */
static int open_servers(struct service_thread *thread,
                        const struct dvbcss_wc_service_options *options,
                        struct dvbcss_wc_server_options *server, struct dvbcss_report *report)
{
    for (size_t i = 0; i < options->address_count; i++) {
        struct dvbcss_wc_server **out = &thread->servers[i];
        int result;

        server->address = options->addresses[i];
        result = dvbcss_wc_server_create(out, &thread->loop, server);
        if (result != 0) {
            tell(report, result, server);
            return result;
        }
        thread->server_count++;
        server->port = dvbcss_wc_server_port(*out);
    }
    return 0;
}

/* Sets all threads up, running none. */
static int set_up_threads(struct dvbcss_wc_service *service,
                          const struct dvbcss_wc_service_options *options,
                          struct dvbcss_report *report)
{
    struct dvbcss_wc_server_options server = options->server;

    server.reuse_port = server.reuse_port || options->threads > 1;
    server.ipv6_only = server.ipv6_only || has_ipv4(options);
    while (service->thread_count < options->threads) {
        struct service_thread *thread = &service->threads[service->thread_count];
        int result;

        memset(thread, 0, sizeof *thread);
        thread->servers = service->servers + service->thread_count * options->address_count;
        result = set_up_thread(thread);
        if (result != 0)
            return result;
        service->thread_count++;
        result = open_servers(thread, options, &server, report);
        if (result != 0)
            return result;
    }
    return 0;
}

static void end_threads(struct dvbcss_wc_service *service)
{
    while (service->thread_count > 0)
        end_thread(&service->threads[--service->thread_count]);
}

/* A free port of the first address may be taken on another one: then another is tried. */
static int set_up_on_some_port(struct dvbcss_wc_service *service,
                               const struct dvbcss_wc_service_options *options,
                               struct dvbcss_report *report)
{
    int attempts = options->server.port == 0 ? PORT_ATTEMPTS : 1;
    int result;

    do {
        end_threads(service);
        result = set_up_threads(service, options, report);
    } while (result == DVBCSS_EADDRINUSE && --attempts > 0);
    return result;
}

static void free_service(struct dvbcss_wc_service *service)
{
    end_threads(service);
    dvbcss_free(service->servers);
    dvbcss_free(service->threads);
    dvbcss_free(service);
}

static int allocate_service(struct dvbcss_wc_service **out, size_t threads, size_t addresses)
{
    struct dvbcss_wc_service *service = dvbcss_calloc(1, sizeof *service);

    if (!service)
        return DVBCSS_ENOMEM;
    service->address_count = (unsigned)addresses;
    service->threads = dvbcss_calloc(threads, sizeof *service->threads);
    service->servers = dvbcss_calloc(threads * addresses, sizeof(struct dvbcss_wc_server *));
    if (!service->threads || !service->servers) {
        free_service(service);
        return DVBCSS_ENOMEM;
    }
    *out = service;
    return 0;
}

int dvbcss_wc_service_start(struct dvbcss_wc_service **out,
                            const struct dvbcss_wc_service_options *options,
                            struct dvbcss_report *report)
{
    struct dvbcss_wc_service *service;
    int result;

    if (options->threads < 1 || options->threads > DVBCSS_WC_SERVICE_MAX_THREADS ||
        options->address_count < 1 || options->address_count > DVBCSS_WC_SERVICE_MAX_ADDRESSES)
        return DVBCSS_EINVAL;
    result = allocate_service(&service, options->threads, options->address_count);
    if (result != 0)
        return result;
    result = set_up_on_some_port(service, options, report);
    for (unsigned i = 0; result == 0 && i < service->thread_count; i++)
        result = start_thread(&service->threads[i]);
    if (result != 0) {
        free_service(service);
        return result;
    }
    *out = service;
    return 0;
}

void dvbcss_wc_service_stop(struct dvbcss_wc_service *service)
{
    if (service)
        free_service(service);
}

/* ---- reading -------------------------------------------------------------------------------- */

uint16_t dvbcss_wc_service_port(const struct dvbcss_wc_service *service)
{
    return dvbcss_wc_server_port(service->servers[0]);
}

double dvbcss_wc_service_precision_s(const struct dvbcss_wc_service *service)
{
    double largest_s = 0.0;

    for (unsigned i = 0; i < service->thread_count * service->address_count; i++) {
        double precision_s = dvbcss_wc_server_precision_s(service->servers[i]);

        if (precision_s > largest_s)
            largest_s = precision_s;
    }
    return largest_s;
}

void dvbcss_wc_service_counters(const struct dvbcss_wc_service *service,
                                struct dvbcss_wc_server_counters *counters)
{
    memset(counters, 0, sizeof *counters);
    for (unsigned i = 0; i < service->thread_count * service->address_count; i++) {
        struct dvbcss_wc_server_counters each;

        dvbcss_wc_server_counters(service->servers[i], &each);
        wc_counters_add(counters, &each);
    }
}
