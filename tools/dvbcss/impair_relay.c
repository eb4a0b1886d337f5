#include "impair_relay.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "dvbcss/alloc.h"
#include "impair_attack.h"
#include "impair_queue.h"
#include "impair_socket.h"

enum {
    /* How many datagrams of a socket are taken before others have their turn. */
    RECEIVE_BATCH = 32,
    EVENTS = 32,
    /* What epoll tells of a descriptor: these, or FIRST_SESSION + place of the session. */
    LISTENER = 0,
    TIMER,
    FIRST_SESSION,
    STREAM_ATTACK = IMPAIR_STREAM_FREE,
};

/* How long the relay stays awake before the loop's other work has its turn. */
static const int64_t turn_ns = 2000000;

/* An attacker loses interest in a client that has been silent for so long. */
static const int64_t attack_silence_ns = INT64_C(60000000000);

/* A client, as long as there is room for it. */
struct session {
    /* The socket that the server sees; -1 for a place that is free. */
    int fd;
    /* Tells this client from those that had the place before. */
    unsigned generation;
    struct impair_address client;
    int64_t heard_ns;
    struct impair_answers answers;
};

/* Something that is sent at a steady rate. */
struct pace {
    double hz;
    int64_t next_ns;
};

struct impair_relay {
    struct impair_relay_options options;
    struct impair_network network;
    struct impair_queue queue;
    struct impair_stats stats;
    struct impair_random attack_random;
    struct pace forging;
    struct pace replaying;
    struct session *sessions;
    int64_t begin_ns;
    /* Latest arrival of what was forwarded, to see who was overtaken. */
    int64_t newest_ns[IMPAIR_DIRECTIONS];
    int listener;
    int timer;
    /* Watches all descriptors, so that the loop has one handle whatever the clients do. */
    int watcher;
    uv_poll_t poll;
    struct impair_arrival arrival;
};

const struct impair_address *impair_relay_address(const struct impair_relay *relay)
{
    return &relay->options.listen;
}

const struct impair_stats *impair_relay_stats(const struct impair_relay *relay)
{
    return &relay->stats;
}

/* ---- sessions ------------------------------------------------------------------------------- */

static bool watch_descriptor(struct impair_relay *relay, int fd, uint32_t id)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = id}};

    return epoll_ctl(relay->watcher, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void end_session(struct session *session)
{
    if (session->fd >= 0)
        close(session->fd);
    session->fd = -1;
    session->generation++;
}

/* The session of a client, or the place for a new one: a free one, or that of the client that was
 * silent longest. */
static struct session *find_session(struct impair_relay *relay, const struct impair_address *client)
{
    struct session *place = &relay->sessions[0];

    for (unsigned i = 0; i < relay->options.clients; i++) {
        struct session *session = &relay->sessions[i];

        if (session->fd >= 0 && impair_address_equal(&session->client, client))
            return session;
        if (place->fd >= 0 && (session->fd < 0 || session->heard_ns < place->heard_ns))
            place = session;
    }
    return place;
}

/* NULL if there is no socket to be had. */
static struct session *session_of(struct impair_relay *relay, const struct impair_arrival *arrival)
{
    struct session *session = find_session(relay, &arrival->from);
    struct impair_address any = impair_socket_any(&relay->options.server);
    int fd;

    if (session->fd < 0 || !impair_address_equal(&session->client, &arrival->from)) {
        fd = impair_socket_open(&any);
        if (fd < 0)
            return NULL;
        if (!watch_descriptor(relay, fd, FIRST_SESSION + (uint32_t)(session - relay->sessions))) {
            close(fd);
            return NULL;
        }
        relay->stats.clients++;
        relay->stats.evicted += session->fd >= 0;
        end_session(session);
        session->fd = fd;
        session->client = arrival->from;
        memset(&session->answers, 0, sizeof session->answers);
    }
    session->heard_ns = arrival->at_ns;
    return session;
}

/* ---- datagrams in --------------------------------------------------------------------------- */

static void put_under_way(struct impair_relay *relay, const struct session *session,
                          enum impair_direction direction)
{
    const struct impair_arrival *arrival = &relay->arrival;
    struct impair_counters *counters = &relay->stats.direction[direction];
    struct impair_fate fate =
        impair_network_draw(&relay->network, direction, arrival->at_ns - relay->begin_ns);
    struct impair_datagram head = {.arrival_ns = arrival->at_ns,
                                   .direction = direction,
                                   .session = (unsigned)(session - relay->sessions),
                                   .generation = session->generation,
                                   .length = arrival->length};

    counters->lost += fate.copies == 0;
    counters->duplicated += fate.copies > 1;
    for (unsigned i = 0; i < fate.copies; i++) {
        head.due_ns = arrival->at_ns + fate.delay_ns[i];
        counters->overflowed += !impair_queue_add(&relay->queue, &head, arrival->bytes);
    }
}

static void take_up(struct impair_relay *relay)
{
    struct impair_counters *counters = &relay->stats.direction[IMPAIR_UP];
    struct session *session;

    counters->received++;
    if (relay->arrival.length > IMPAIR_DATAGRAM_MAX) {
        counters->too_long++;
        return;
    }
    session = session_of(relay, &relay->arrival);
    if (session)
        put_under_way(relay, session, IMPAIR_UP);
    else
        counters->overflowed++;
}

static void take_down(struct impair_relay *relay, struct session *session)
{
    struct impair_counters *counters = &relay->stats.direction[IMPAIR_DOWN];

    counters->received++;
    if (!impair_address_equal(&relay->arrival.from, &relay->options.server)) {
        counters->strange++;
    } else if (relay->arrival.length > IMPAIR_DATAGRAM_MAX) {
        counters->too_long++;
    } else {
        impair_answers_keep(&session->answers, relay->arrival.bytes, relay->arrival.length);
        put_under_way(relay, session, IMPAIR_DOWN);
    }
}

static void take_event(struct impair_relay *relay, uint32_t id)
{
    uint64_t expirations;
    struct session *session;

    if (id == TIMER) {
        (void)!read(relay->timer, &expirations, sizeof expirations);
    } else if (id == LISTENER) {
        for (int i = 0;
             i < RECEIVE_BATCH && impair_socket_receive(relay->listener, &relay->arrival); i++)
            take_up(relay);
    } else {
        session = &relay->sessions[id - FIRST_SESSION];
        for (int i = 0; i < RECEIVE_BATCH && impair_socket_receive(session->fd, &relay->arrival);
             i++)
            take_down(relay, session);
    }
}

static void take_events(struct impair_relay *relay)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(relay->watcher, events, EVENTS, 0);

    for (int i = 0; i < count; i++)
        take_event(relay, events[i].data.u32);
}

/* ---- datagrams out -------------------------------------------------------------------------- */

static void forward(struct impair_relay *relay, const struct impair_datagram *datagram)
{
    struct impair_counters *counters = &relay->stats.direction[datagram->direction];
    const struct session *session = &relay->sessions[datagram->session];
    bool up = datagram->direction == IMPAIR_UP;
    int64_t *newest_ns = &relay->newest_ns[datagram->direction];

    if (session->fd < 0 || session->generation != datagram->generation) {
        counters->strange++;
        return;
    }
    impair_stats_late(&relay->stats, impair_now_ns() - datagram->due_ns);
    if (impair_socket_send(up ? session->fd : relay->listener,
                           up ? &relay->options.server : &session->client, datagram->bytes,
                           datagram->length))
        counters->forwarded++;
    else
        counters->send_failures++;
    if (datagram->arrival_ns < *newest_ns)
        counters->overtaken++;
    else
        *newest_ns = datagram->arrival_ns;
}

static void forward_due(struct impair_relay *relay)
{
    while (impair_queue_due_ns(&relay->queue) <= impair_now_ns()) {
        struct impair_datagram *datagram = impair_queue_take(&relay->queue);

        forward(relay, datagram);
        dvbcss_free(datagram);
    }
}

/* ---- the attacker --------------------------------------------------------------------------- */

/* Whether it is time again. */
static bool pace_due(struct pace *pace, int64_t now_ns)
{
    int64_t period_ns = pace->hz > 0 ? (int64_t)(1e9 / pace->hz) : 0;

    if (pace->hz <= 0 || now_ns < pace->next_ns)
        return false;
    pace->next_ns += period_ns;
    /* What was missed is not made up for. */
    if (pace->next_ns <= now_ns)
        pace->next_ns = now_ns + period_ns;
    return true;
}

static void attack_client(struct impair_relay *relay, const struct session *session, bool forge,
                          bool replay)
{
    uint8_t forged[DVBCSS_WC_MESSAGE_SIZE];
    const uint8_t *old;

    if (forge) {
        impair_answers_forge(&session->answers, &relay->attack_random, forged);
        relay->stats.forged +=
            impair_socket_send(relay->listener, &session->client, forged, sizeof forged);
    }
    old = replay ? impair_answers_pick(&session->answers, &relay->attack_random) : NULL;
    if (old)
        relay->stats.replayed +=
            impair_socket_send(relay->listener, &session->client, old, DVBCSS_WC_MESSAGE_SIZE);
}

static void attack(struct impair_relay *relay)
{
    int64_t now_ns = impair_now_ns();
    bool forge = pace_due(&relay->forging, now_ns);
    bool replay = pace_due(&relay->replaying, now_ns);

    for (unsigned i = 0; (forge || replay) && i < relay->options.clients; i++) {
        const struct session *session = &relay->sessions[i];

        if (session->fd >= 0 && now_ns - session->heard_ns < attack_silence_ns)
            attack_client(relay, session, forge, replay);
    }
}

/* ---- at work -------------------------------------------------------------------------------- */

/* When there is something to do next; INT64_MAX for never. */
static int64_t next_ns(const struct impair_relay *relay)
{
    int64_t next = impair_queue_due_ns(&relay->queue);

    if (relay->forging.hz > 0 && relay->forging.next_ns < next)
        next = relay->forging.next_ns;
    if (relay->replaying.hz > 0 && relay->replaying.next_ns < next)
        next = relay->replaying.next_ns;
    return next;
}

static void set_timer(struct impair_relay *relay, int64_t at_ns)
{
    /* Zeros turn the timer off; a time that has passed fires at once. */
    struct itimerspec when = {{0, 0}, {0, 0}};

    if (at_ns < INT64_MAX) {
        when.it_value.tv_sec = (time_t)(at_ns / INT64_C(1000000000));
        when.it_value.tv_nsec = (long)(at_ns % INT64_C(1000000000));
    }
    timerfd_settime(relay->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static const struct sched_param first = {.sched_priority = 1};

int impair_relay_try_realtime(void)
{
    struct sched_param before;
    int policy, error;

    error = pthread_getschedparam(pthread_self(), &policy, &before);
    if (error == 0)
        error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &first);
    return error == 0 ? pthread_setschedparam(pthread_self(), policy, &before) : error;
}

/* Once, on the thread that serves the relay. */
static void go_first(struct impair_relay *relay)
{
    relay->stats.realtime = pthread_setschedparam(pthread_self(), SCHED_FIFO, &first) == 0;
    relay->options.realtime = false;
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
    struct impair_relay *relay = handle->data;
    int64_t turn_end_ns = impair_now_ns() + turn_ns;
    int64_t next;

    (void)status;
    (void)events;
    if (relay->options.realtime)
        go_first(relay);
    do {
        take_events(relay);
        forward_due(relay);
        attack(relay);
        next = next_ns(relay);
        if (next < INT64_MAX)
            next -= relay->options.awake_ns;
    } while (next <= impair_now_ns() && impair_now_ns() < turn_end_ns);
    set_timer(relay, next);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void free_relay(struct impair_relay *relay)
{
    for (unsigned i = 0; relay->sessions && i < relay->options.clients; i++)
        end_session(&relay->sessions[i]);
    dvbcss_free(relay->sessions);
    impair_queue_finish(&relay->queue);
    if (relay->listener >= 0)
        close(relay->listener);
    if (relay->timer >= 0)
        close(relay->timer);
    if (relay->watcher >= 0)
        close(relay->watcher);
    dvbcss_free(relay);
}

static int make_room(struct impair_relay *relay)
{
    relay->sessions = dvbcss_calloc(relay->options.clients, sizeof *relay->sessions);
    if (!relay->sessions)
        return DVBCSS_ENOMEM;
    for (unsigned i = 0; i < relay->options.clients; i++)
        relay->sessions[i].fd = -1;
    return impair_queue_init(&relay->queue, relay->options.datagrams);
}

static int open_descriptors(struct impair_relay *relay)
{
    relay->listener = impair_socket_open(&relay->options.listen);
    if (relay->listener < 0)
        return relay->listener;
    relay->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    relay->watcher = epoll_create1(EPOLL_CLOEXEC);
    if (relay->timer < 0 || relay->watcher < 0 ||
        !watch_descriptor(relay, relay->listener, LISTENER) ||
        !watch_descriptor(relay, relay->timer, TIMER))
        return DVBCSS_EIO;
    return 0;
}

int impair_relay_create(struct impair_relay **out, uv_loop_t *loop,
                        const struct impair_relay_options *options)
{
    struct impair_relay *relay = dvbcss_calloc(1, sizeof *relay);
    int error;

    if (!relay)
        return DVBCSS_ENOMEM;
    relay->options = *options;
    relay->listener = relay->timer = relay->watcher = -1;
    error = make_room(relay);
    if (error == 0)
        error = open_descriptors(relay);
    if (error == 0 && uv_poll_init(loop, &relay->poll, relay->watcher) != 0)
        error = DVBCSS_EIO;
    if (error != 0) {
        free_relay(relay);
        return error;
    }
    impair_network_init(&relay->network, &options->model, options->seed);
    impair_random_seed(&relay->attack_random, options->seed, STREAM_ATTACK);
    relay->begin_ns = impair_now_ns();
    relay->forging = (struct pace){options->model.forged_hz, relay->begin_ns};
    relay->replaying = (struct pace){options->model.replayed_hz, relay->begin_ns};
    relay->poll.data = relay;
    uv_poll_start(&relay->poll, UV_READABLE, on_ready);
    set_timer(relay, next_ns(relay));
    *out = relay;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free_relay(handle->data);
}

void impair_relay_close(struct impair_relay *relay)
{
    if (relay)
        uv_close((uv_handle_t *)&relay->poll, on_closed);
}
