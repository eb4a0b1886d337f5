#include "dvbcss/wc_service.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/alloc.h"
#include "wallclock/wc_address.h"
#include "wallclock/wc_answerer.h"
#include "wallclock/wc_counters.h"

enum {
    /* How often another free port is tried that may be free on all addresses. */
    PORT_ATTEMPTS = 16,
};

/* A thread, with one answerer for each address. They are opened before the thread runs, so that
 * what fails is told to the caller. */
struct service_thread {
    pthread_t thread;
    bool started;
    /* A pipe whose end tells the thread to return: the end to poll, and the one to close. */
    int ended;
    int end;
    struct wc_answerer **answerers;
    unsigned answerer_count;
};

struct dvbcss_wc_service {
    unsigned thread_count;
    unsigned address_count;
    struct service_thread *threads;
    struct wc_answerer **answerers;
};

/* ---- a thread ------------------------------------------------------------------------------- */

static void answer_ready(struct wc_answerer *answerer, int events)
{
    if (events & POLLERR)
        wc_answerer_clear_error(answerer);
    if (events & POLLIN)
        wc_answerer_turn(answerer);
    if (events & POLLERR || wc_answerer_wait_ns(answerer) == 0)
        wc_answerer_follow_up(answerer);
}

/* Waits until there is something to do; a follow-up may be due before anything arrives. Returns
 * whether what is polled tells. */
static bool wait_ready(const struct service_thread *thread, struct pollfd *polled, unsigned count)
{
    struct timespec shortest = {0};
    bool limited = false;

    for (unsigned i = 0; i < thread->answerer_count; i++) {
        /* Below a second. */
        long wait_ns = (long)wc_answerer_wait_ns(thread->answerers[i]);

        if (wait_ns >= 0 && (!limited || wait_ns < shortest.tv_nsec)) {
            shortest = (struct timespec){0, wait_ns};
            limited = true;
        }
    }
    return ppoll(polled, count, limited ? &shortest : NULL, NULL) >= 0;
}

/* poll() and no loop: what waits on a socket for good, as epoll does, is called for every answer
 * that the kernel has sent, which costs a tenth of it. */
static void *run_thread(void *argument)
{
    struct service_thread *thread = argument;
    struct pollfd polled[1 + DVBCSS_WC_SERVICE_MAX_ADDRESSES] = {{.fd = thread->ended}};
    unsigned count = thread->answerer_count;

    for (unsigned i = 0; i < count; i++)
        polled[1 + i] = (struct pollfd){wc_answerer_descriptor(thread->answerers[i]), POLLIN, 0};
    for (;;) {
        /* Fails for want of memory at most, and then there may be some the next time. */
        if (!wait_ready(thread, polled, 1 + count))
            continue;
        if (polled[0].revents != 0)
            return NULL;
        for (unsigned i = 0; i < count; i++)
            answer_ready(thread->answerers[i], polled[1 + i].revents);
    }
}

/* Signals are the program's: none is delivered to a thread that it does not know of. */
static int start_thread(struct service_thread *thread)
{
    sigset_t all, before;
    int result;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&thread->thread, NULL, run_thread, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->started = result == 0;
    return thread->started ? 0 : DVBCSS_EIO;
}

static int set_up_thread(struct service_thread *thread)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return DVBCSS_EIO;
    thread->ended = ends[0];
    thread->end = ends[1];
    return 0;
}

static void end_thread(struct service_thread *thread)
{
    close(thread->end);
    if (thread->started)
        pthread_join(thread->thread, NULL);
    close(thread->ended);
    for (unsigned i = 0; i < thread->answerer_count; i++)
        wc_answerer_close(thread->answerers[i]);
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
    if (error == DVBCSS_EINVAL)
        snprintf(report->reason, sizeof report->reason,
                 "address %s: expected a numeric address without brackets",
                 server->address ? server->address : "(none)");
    else
        snprintf(report->reason, sizeof report->reason, "address %s port %u: %s", server->address,
                 server->port, dvbcss_error_text(error));
}

/* Opens one thread's sockets; `server->port`, if it is 0, becomes the one that the first got. */
static int open_sockets(struct service_thread *thread,
                        const struct dvbcss_wc_service_options *options,
                        struct dvbcss_wc_server_options *server, struct dvbcss_report *report)
{
    for (size_t i = 0; i < options->address_count; i++) {
        struct wc_answerer **out = &thread->answerers[i];
        int result;

        server->address = options->addresses[i];
        result = wc_answerer_open(out, server);
        if (result != 0) {
            tell(report, result, server);
            return result;
        }
        thread->answerer_count++;
        server->port = wc_address_port(wc_answerer_address(*out));
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
        thread->answerers = service->answerers + service->thread_count * options->address_count;
        result = set_up_thread(thread);
        if (result != 0)
            return result;
        service->thread_count++;
        result = open_sockets(thread, options, &server, report);
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
    dvbcss_free(service->answerers);
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
    service->answerers = dvbcss_calloc(threads * addresses, sizeof(struct wc_answerer *));
    if (!service->threads || !service->answerers) {
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
    return wc_address_port(wc_answerer_address(service->answerers[0]));
}

double dvbcss_wc_service_precision_s(const struct dvbcss_wc_service *service)
{
    double largest_s = 0.0;

    for (unsigned i = 0; i < service->thread_count * service->address_count; i++) {
        double precision_s = wc_answerer_precision_s(service->answerers[i]);

        if (precision_s > largest_s)
            largest_s = precision_s;
    }
    return largest_s;
}

size_t dvbcss_wc_service_receive_buffer(const struct dvbcss_wc_service *service)
{
    size_t smallest = DVBCSS_WC_SERVER_RECEIVE_BUFFER;

    for (unsigned i = 0; i < service->thread_count * service->address_count; i++) {
        size_t size = wc_answerer_receive_buffer(service->answerers[i]);

        if (size < smallest)
            smallest = size;
    }
    return smallest;
}

void dvbcss_wc_service_counters(const struct dvbcss_wc_service *service,
                                struct dvbcss_wc_server_counters *counters)
{
    memset(counters, 0, sizeof *counters);
    for (unsigned i = 0; i < service->thread_count * service->address_count; i++) {
        struct dvbcss_wc_server_counters each;

        wc_answerer_counters(service->answerers[i], &each);
        wc_counters_add(counters, &each);
    }
}
