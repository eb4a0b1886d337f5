#include "world.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "dvbcss/alloc.h"
#include "dvbcss/log.h"
#include "tests/support/socket_faults.h"
#include "tools/dvbcssd/services.h"
#include "visitor.h"
#include "world_certificate.h"

enum {
    /* Descriptors that are looked at; the process has far fewer. */
    DESCRIPTORS = 128,
    /* A loop that has not settled after so many turns spins. */
    TURNS_MAX = 10000,
    /* Turns that take as long as a step. */
    TURNS_OF_STEP = 500,
    /* No timer of the daemon is longer than this, but for those of what it presents. */
    PATIENCE_MS = 100000,
    STEP_MS = 500,
    /* Inputs that changed something are followed by a new daemon, which takes much longer than they
     * do: all at first, so that a few of them are judged alone, then some. */
    RESTARTS_AT_FIRST = 40,
    RESTART_EVERY = 16,
};

static const char *const settings[] = {
    "log.level=error",
    "http.address=127.0.0.1",
    "http.port=0",
    "tls.enabled=yes",
    "tls.address=127.0.0.1",
    "tls.port=0",
    "wallclock.enabled=no",
    "control.socket=",
    "control.tcp_address=127.0.0.1",
    "control.tcp_port=0",
    ("control.token=" WORLD_TOKEN),
    "control.origins=http://good.example",
    "content.id=dvb://1.2.3",
    "timeline.pts.selector=urn:dvb:css:timeline:pts",
    "timeline.temi.selector=urn:dvb:css:timeline:temi:1:1",
    "timeline.temi.tick_rate=1000",
};

enum { SETTINGS = sizeof settings / sizeof *settings };

static char *const environment[] = {NULL};

/* "tls.certificate=" and the file of world_certificate.h. */
static char certificate_setting[64];

static struct {
    uv_loop_t loop;
    struct config config;
    struct options options;
    struct services services;
    bool running;
    bool terminated;
    bool changed;
    /* Kept for those who come when it has ended. */
    uint16_t ports[WORLD_LISTENERS];
    /* What is presented in the beginning. */
    struct dvbcss_cii content;
    struct census {
        long blocks;
        long tls_connections;
        unsigned handles;
        unsigned descriptors;
    } before;
} world;

void world_check(int holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
    abort();
}

/* ---- time ------------------------------------------------------------------------------------ */

static int64_t passed_ns;

/* In place of the C library's, for everybody in this process: every clock that does not follow the
 * system's time moves as it is told. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
        clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
        return (int)syscall(SYS_clock_gettime, clock, time);
    /* As little as a reading takes: whoever measures the clock waits for it to move. */
    passed_ns += 20;
    time->tv_sec = 1000 + passed_ns / 1000000000;
    time->tv_nsec = passed_ns % 1000000000;
    return 0;
}

void world_pass(uint64_t milliseconds)
{
    while (milliseconds > 0) {
        uint64_t step = milliseconds < STEP_MS ? milliseconds : STEP_MS;

        passed_ns += (int64_t)step * 1000000;
        milliseconds -= step;
        world_settle();
    }
}

/* ---- what there is --------------------------------------------------------------------------- */

static long blocks;

static void *counted_malloc(size_t size)
{
    void *memory = malloc(size);

    blocks += memory != NULL;
    return memory;
}

static void *counted_realloc(void *memory, size_t size)
{
    void *moved = realloc(memory, size);

    blocks += moved && !memory;
    return moved;
}

static void counted_free(void *memory)
{
    blocks -= memory != NULL;
    free(memory);
}

static long tls_connections;

static void count_tls_begin(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index,
                            long number, void *user)
{
    (void)parent, (void)pointer, (void)data, (void)index, (void)number, (void)user;
    tls_connections++;
}

static void count_tls_end(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long number,
                          void *user)
{
    (void)parent, (void)pointer, (void)data, (void)index, (void)number, (void)user;
    tls_connections--;
}

static void count_handle(uv_handle_t *handle, void *user)
{
    (void)handle;
    ++*(unsigned *)user;
}

static struct census take_census(void)
{
    struct census census = {.blocks = blocks, .tls_connections = tls_connections};
    struct stat status;

    uv_walk(&world.loop, count_handle, &census.handles);
    /* Pipes are the fuzzer's, to those that write its reports. */
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        census.descriptors += fstat(fd, &status) == 0 && !S_ISFIFO(status.st_mode);
    return census;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void swallow(void *user, enum dvbcss_log_level level, const char *id, const char *text)
{
    (void)user, (void)level;
    world_require(strlen(id) > 0 && strlen(text) < 4096);
}

static void prepare_process(void)
{
    static const struct dvbcss_allocator counted = {counted_malloc, counted_realloc, counted_free};
    static const struct rlimit few = {1024, 1024};
    static bool prepared;

    if (prepared)
        return;
    prepared = true;
    signal(SIGPIPE, SIG_IGN);
    /* Tables are sized by it; zeroing them is most of what a start takes. */
    setrlimit(RLIMIT_NOFILE, &few);
    json_object_seed(1);
    world_certificate_make();
    snprintf(certificate_setting, sizeof certificate_setting, "tls.certificate=%s",
             world_certificate_path());
    world_require(SSL_get_ex_new_index(0, NULL, count_tls_begin, NULL, count_tls_end) >= 0);
    dvbcss_set_allocator(&counted);
}

static void read_config(void)
{
    struct config_error error;

    memset(&world.options, 0, sizeof world.options);
    world.options.assignments = malloc((SETTINGS + 1) * sizeof *settings);
    world_require(world.options.assignments != NULL);
    memcpy(world.options.assignments, settings, sizeof settings);
    world.options.assignments[SETTINGS] = certificate_setting;
    world.options.assignment_count = SETTINGS + 1;
    world.options.environment = environment;
    world_require(config_init(&world.config) == 0);
    if (options_read_config(&world.options, &world.config, &error) != 0)
        world_check(0, error.text, __FILE__, __LINE__);
}

static uint16_t port_of(const struct dvbcss_server *server, bool tls)
{
    const struct sockaddr *address = dvbcss_server_address(server, tls);

    world_require(dvbcss_server_address_secure(server, tls) == tls);

    return ((const struct sockaddr_in *)(const void *)address)->sin_port;
}

void world_begin(void)
{
    struct services_error error;

    if (world.running)
        return;
    prepare_process();
    read_config();
    /* Each time: a reload has the daemon write to where its configuration says. */
    dvbcss_log_set(swallow, NULL, DVBCSS_LOG_DEBUG);
    world_require(uv_loop_init(&world.loop) == 0);
    memset(&world.services, 0, sizeof world.services);
    world.services.loop = &world.loop;
    world.services.config = &world.config;
    world.services.options = &world.options;
    if (services_start(&world.services, &error) != 0)
        world_check(0, error.text, __FILE__, __LINE__);
    world.ports[WORLD_COMPANIONS] = port_of(world.services.server, false);
    world.ports[WORLD_COMPANIONS_TLS] = port_of(world.services.server, true);
    world.ports[WORLD_CONTROL] = port_of(control_server(world.services.control), false);
    world.running = true;
    world.terminated = false;
    world.changed = false;
    world_pass(2000);
    world_require(dvbcss_cii_copy(&world.content, dvbcss_cii_endpoint_state(world.services.cii)) ==
                  0);
    world.before = take_census();
}

static void stop(void)
{
    uint64_t waited_ms = 0;

    world_terminate();
    while (uv_run(&world.loop, UV_RUN_NOWAIT) != 0) {
        world_require(waited_ms < PATIENCE_MS);
        waited_ms += STEP_MS;
        world_pass(STEP_MS);
    }
    world_require(uv_loop_close(&world.loop) == 0);
    dvbcss_cii_finish(&world.content);
    options_finish(&world.options);
    config_finish(&world.config);
    world.running = false;
    world_require(blocks == 0);
    world_require(tls_connections == 0);
}

void world_terminate(void)
{
    if (!world.terminated)
        services_stop(&world.services);
    world.terminated = true;
}

void world_mark_changed(void)
{
    world.changed = true;
}

static bool somebody_is_left(void)
{
    return dvbcss_server_counters(world.services.server)->sockets_open != 0 ||
           dvbcss_server_counters(control_server(world.services.control))->sockets_open != 0;
}

static void require_what_was_before(void)
{
    struct census now;
    uint64_t waited_ms = 0;

    for (; somebody_is_left(); waited_ms += STEP_MS) {
        world_require(waited_ms < PATIENCE_MS);
        world_pass(STEP_MS);
    }
    world_settle();
    now = take_census();
    world_require(now.descriptors == world.before.descriptors);
    world_require(now.tls_connections == world.before.tls_connections);
    /* A programme that was started has its timer, and content its texts. */
    world_require(world.changed || now.handles == world.before.handles);
    world_require(world.changed || now.blocks == world.before.blocks);
}

static void put_back_endpoint(struct dvbcss_endpoint *endpoint,
                              const struct config_endpoint *config)
{
    dvbcss_endpoint_set_enabled(endpoint, true);
    dvbcss_endpoint_set_max_connections(endpoint, (int)config->max_connections);
}

/* Presents again what was presented in the beginning; near enough for the next input. */
static void put_back(void)
{
    struct services *services = &world.services;

    put_back_endpoint(dvbcss_cii_endpoint_base(services->cii), &world.config.cii);
    put_back_endpoint(dvbcss_ts_endpoint_base(services->ts), &world.config.ts);
    services_stop_programme(services);
    world_require(tv_reset(services->tv) == 0);
    world_require(tv_change_content(services->tv, &world.content) == 0);
    for (size_t i = 0; i < world.config.timeline_count; i++)
        world_require(services_add_timeline(services, &world.config.timelines[i]) == 0);
    world_require(tv_publish(services->tv) == 0);
    dvbcss_log_set(swallow, NULL, DVBCSS_LOG_DEBUG);
    world_settle();
    world.changed = false;
    world.before = take_census();
}

void world_end(void)
{
    static unsigned changes;

    world_certificate_put_back();
    if (!world.terminated)
        require_what_was_before();
    changes += world.changed;
    if (world.terminated ||
        (world.changed && (changes < RESTARTS_AT_FIRST || changes % RESTART_EVERY == 0)))
        stop();
    else if (world.changed)
        put_back();
}

/* ---- the loop -------------------------------------------------------------------------------- */

uint16_t world_port(enum world_listener listener)
{
    return world.ports[listener];
}

/* Nothing is ready in the system, and nothing in the loop itself. */
static bool is_idle(void)
{
    struct pollfd backend = {.fd = uv_backend_fd(&world.loop), .events = POLLIN};

    return uv_backend_timeout(&world.loop) != 0 && poll(&backend, 1, 0) == 0;
}

void world_settle(void)
{
    /* A change of interest reaches the system a turn later: one idle turn says nothing. No peer can
     * have the loop spin. A call that fails on a socket that is ready can, until its connection is
     * given up: time must not stand still. */
    unsigned long faults_before = socket_faults_met();
    unsigned idle_turns = 0;
    unsigned turns = 0;

    while (idle_turns < 2) {
        bool alive = uv_run(&world.loop, UV_RUN_NOWAIT) != 0;

        idle_turns = !visitors_go_on() && (!alive || is_idle()) ? idle_turns + 1 : 0;
        world_require(turns++ < TURNS_MAX);
        if (turns % TURNS_OF_STEP == 0) {
            world_require(socket_faults_met() != faults_before);
            passed_ns += (int64_t)STEP_MS * 1000000;
        }
    }
}
