#include "soak_crowd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    FIN = 0x80,
    TEXT = 1,
    BINARY = 2,
    CLOSE = 8,
    PING = 9,
    EVENTS = 256,
    TURN_MS = 10,
    /* Each at most; a fair share of half of it on average. */
    ABSENT_MS = 2000,
    TURN_COMES_MS = 6000,
    STALL_MS = 8000,
    BAD_LIVES_MS = 3000,
    /* The grain of the share that comes by TLS. */
    SHARE_UNIT = 10000,
    /* One in so many that come does not come as a companion should. */
    BAD_COMES_EVERY = 12,
    WRONGS_SHOWN = 10,
};

struct soak_crowd {
    const struct soak_daemon *daemon;
    struct soak_random random;
    struct soak_companion *companions;
    unsigned count;
    int epoll;
    SSL_CTX *tls;
    unsigned tls_share;
    uint64_t came;
    uint64_t came_by_tls;
    uint64_t opened;
    uint64_t opened_by_tls;
    uint64_t closed_by_server;
    uint64_t lost;
    uint64_t wronged;
    uint64_t *acts;
};

uint64_t soak_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool chance(struct soak_crowd *crowd, unsigned one_in)
{
    return soak_random_below(&crowd->random, one_in) == 0;
}

static void schedule(struct soak_crowd *crowd, struct soak_companion *companion, unsigned within_ms)
{
    companion->next_ms = soak_now_ms() + soak_random_below(&crowd->random, within_ms);
}

static void watch(struct soak_crowd *crowd, struct soak_companion *companion, int operation,
                  uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = companion};

    epoll_ctl(crowd->epoll, operation, companion->fd, &event);
}

/* ---- coming and going ------------------------------------------------------------------------ */

static const char *const bad_openings[] = {
    "GET /cii HTTP/1.1\r\nHost: tv\r\nUpgr",
    "\x16\x03\x01\x02\x01\xfc\x03\x03 hello",
    "GET /nothing HTTP/1.1\r\nHost: tv\r\n\r\n",
    ("GET /ts HTTP/1.1\r\nHost: tv\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Version: 8\r\n\r\n"),
    "POST /cii HTTP/1.1\r\nHost: tv\r\nContent-Length: 99999999\r\n\r\nx",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "",
};
static const char *const stems[] = {"", "dvb://", "dvb://1.2", "dvb://9"};
static const char *const selectors[] = {
    "urn:dvb:css:timeline:pts",
    "urn:dvb:css:timeline:temi:1:1",
    "urn:example:0",
    "urn:example:1",
    "urn:example:2",
};

static void choose_timeline(struct soak_crowd *crowd, struct soak_companion *companion)
{
    companion->stem = stems[soak_random_below(&crowd->random, sizeof stems / sizeof *stems)];
    companion->selector =
        selectors[soak_random_below(&crowd->random, sizeof selectors / sizeof *selectors)];
}

static void leave(struct soak_crowd *crowd, struct soak_companion *companion, bool reset)
{
    soak_companion_leave(companion, reset);
    schedule(crowd, companion, ABSENT_MS);
}

static void come(struct soak_crowd *crowd, struct soak_companion *companion)
{
    bool by_tls = soak_random_below(&crowd->random, SHARE_UNIT) < crowd->tls_share;
    bool bare = !by_tls;

    companion->role = chance(crowd, 2) ? SOAK_CII : SOAK_TS;
    if (companion->role == SOAK_TS)
        choose_timeline(crowd, companion);
    if (chance(crowd, BAD_COMES_EVERY)) {
        companion->manner = SOAK_BAD;
        companion->opening = bad_openings[soak_random_below(
            &crowd->random, sizeof bad_openings / sizeof *bad_openings)];
        /* Inside of TLS, and in its place. */
        bare = bare || chance(crowd, 2);
    }
    if (!soak_companion_connect(companion, by_tls ? crowd->daemon->tls_port : crowd->daemon->port,
                                bare ? NULL : crowd->tls)) {
        leave(crowd, companion, false);
        return;
    }
    crowd->came++;
    crowd->came_by_tls += by_tls;
    watch(crowd, companion, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    schedule(crowd, companion, companion->manner == SOAK_BAD ? BAD_LIVES_MS : TURN_COMES_MS);
}

static const char *const end_names[] = {
    [SOAK_CLOSED] = "closed", [SOAK_LOST] = "lost", [SOAK_WRONG] = "told nonsense"};

static void settle_end(struct soak_crowd *crowd, struct soak_companion *companion,
                       enum soak_end end, unsigned code)
{
    bool by_control = end == SOAK_CLOSED && code == SOAK_CLOSED_BY_CONTROL;

    crowd->closed_by_server += end == SOAK_CLOSED;
    crowd->lost += end == SOAK_LOST;
    if ((companion->manner == SOAK_GOOD && !by_control) ||
        (companion->manner == SOAK_SLACK && end == SOAK_WRONG)) {
        if (crowd->wronged++ < WRONGS_SHOWN)
            fprintf(stderr, "soak: companion %u (%s%s, phase %d) was %s for no reason: %u %s\n",
                    companion->number, companion->role == SOAK_CII ? "CII" : "TS",
                    companion->tls ? " by TLS" : "", (int)companion->phase, end_names[end], code,
                    companion->reason);
    }
    leave(crowd, companion, false);
}

/* ---- what companions do ---------------------------------------------------------------------- */

static void do_nothing(struct soak_crowd *crowd, struct soak_companion *companion)
{
    (void)crowd, (void)companion;
}

static void leave_with_goodbye(struct soak_crowd *crowd, struct soak_companion *companion)
{
    companion->manner = SOAK_SLACK;
    soak_companion_send(companion, FIN | CLOSE, "\x03\xe8 bye", 6);
    (void)crowd;
}

static void leave_quietly(struct soak_crowd *crowd, struct soak_companion *companion)
{
    leave(crowd, companion, false);
}

static void leave_with_reset(struct soak_crowd *crowd, struct soak_companion *companion)
{
    leave(crowd, companion, true);
}

static void half_close(struct soak_crowd *crowd, struct soak_companion *companion)
{
    companion->manner = SOAK_SLACK;
    shutdown(companion->fd, SHUT_WR);
    (void)crowd;
}

static void stall(struct soak_crowd *crowd, struct soak_companion *companion)
{
    companion->manner = SOAK_SLACK;
    companion->stalled = true;
    watch(crowd, companion, EPOLL_CTL_MOD, 0);
    schedule(crowd, companion, STALL_MS);
}

static void go_mute(struct soak_crowd *crowd, struct soak_companion *companion)
{
    companion->manner = SOAK_SLACK;
    companion->mute = true;
    (void)crowd;
}

static void set_up_anew(struct soak_crowd *crowd, struct soak_companion *companion)
{
    if (companion->role != SOAK_TS)
        return;
    choose_timeline(crowd, companion);
    soak_companion_set_up(companion);
}

static void report(struct soak_crowd *crowd, struct soak_companion *companion)
{
    static const char text[] =
        "{\"earliest\":{\"contentTime\":\"1\",\"wallClockTime\":\"minusinfinity\"},"
        "\"latest\":{\"contentTime\":\"900\",\"wallClockTime\":\"123456789\"}}";

    (void)crowd;
    if (companion->role == SOAK_TS)
        soak_companion_send(companion, FIN | TEXT, text, sizeof text - 1);
}

static void say_nonsense(struct soak_crowd *crowd, struct soak_companion *companion)
{
    static const char *const nonsense[] = {"", "?", "{", "[]", "{\"a\":[1,2,{}]}", "null"};
    const char *text =
        nonsense[soak_random_below(&crowd->random, sizeof nonsense / sizeof *nonsense)];

    soak_companion_send(companion, FIN | TEXT, text, strlen(text));
}

static void ping(struct soak_crowd *crowd, struct soak_companion *companion)
{
    (void)crowd;
    soak_companion_send(companion, FIN | PING, "?", 1);
}

static void speak_in_fragments(struct soak_crowd *crowd, struct soak_companion *companion)
{
    (void)crowd;
    soak_companion_send(companion, TEXT, "{\"x\":\"\xc3", 7);
    soak_companion_send(companion, FIN | PING, "", 0);
    soak_companion_send(companion, FIN, "\xa9\"}", 3);
}

static const struct {
    int first_byte;
    const char *payload;
    size_t length;
} bad_frames[] = {
    {FIN | 0x40 | TEXT, "rsv", 3},    {FIN | 3, "opcode", 6},        {FIN, "continues nothing", 17},
    {FIN | TEXT, "\xff\xfe", 2},      {FIN | BINARY, "\x01\x02", 2}, {FIN | CLOSE, "\x03", 1},
    {FIN | CLOSE, "\x03\xe8\xc0", 3}, {PING, "fragment", 8},
};

static void change_keys(struct soak_crowd *crowd, struct soak_companion *companion)
{
    if (companion->tls)
        soak_tls_change_keys(companion->tls, chance(crowd, 2));
}

static void end_tls(struct soak_crowd *crowd, struct soak_companion *companion)
{
    (void)crowd;
    if (!companion->tls)
        return;
    companion->manner = SOAK_SLACK;
    soak_tls_finish(companion->tls);
}

static void break_a_rule(struct soak_crowd *crowd, struct soak_companion *companion)
{
    static const uint8_t promise[] = {0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const char big[70000] = "x";
    unsigned count = sizeof bad_frames / sizeof *bad_frames;
    unsigned index = soak_random_below(&crowd->random, count + 4);

    companion->manner = SOAK_BAD;
    if (index < count)
        soak_companion_send(companion, bad_frames[index].first_byte, bad_frames[index].payload,
                            bad_frames[index].length);
    else if (index == count)
        soak_companion_send(companion, FIN | TEXT, big, sizeof big);
    else if (index == count + 1)
        soak_companion_send_bare(companion, "no frame, and no record of TLS", 30);
    else
        /* Half a head, or a length that is never kept. */
        soak_companion_send_raw(companion, promise, index == count + 2 ? 3 : sizeof promise);
    schedule(crowd, companion, BAD_LIVES_MS);
}

static const struct {
    const char *name;
    unsigned weight;
    void (*take)(struct soak_crowd *crowd, struct soak_companion *companion);
} acts[] = {
    {"waited", 30, do_nothing},
    {"left with a goodbye", 10, leave_with_goodbye},
    {"left without", 4, leave_quietly},
    {"left with a reset", 4, leave_with_reset},
    {"half-closed", 3, half_close},
    {"stalled", 8, stall},
    {"stopped to pong", 3, go_mute},
    {"set up anew", 12, set_up_anew},
    {"reported", 8, report},
    {"said nonsense", 5, say_nonsense},
    {"pinged", 5, ping},
    {"spoke in fragments", 5, speak_in_fragments},
    {"changed keys", 5, change_keys},
    {"ended TLS", 3, end_tls},
    {"broke a rule", 8, break_a_rule},
};
enum { ACTS = sizeof acts / sizeof *acts };

static void act(struct soak_crowd *crowd, struct soak_companion *companion)
{
    unsigned total = 0;
    unsigned drawn;
    size_t index = 0;

    for (size_t i = 0; i < ACTS; i++)
        total += acts[i].weight;
    drawn = soak_random_below(&crowd->random, total);
    while (drawn >= acts[index].weight)
        drawn -= acts[index++].weight;
    crowd->acts[index]++;
    schedule(crowd, companion, TURN_COMES_MS);
    acts[index].take(crowd, companion);
}

static void resume(struct soak_crowd *crowd, struct soak_companion *companion)
{
    companion->stalled = false;
    watch(crowd, companion, EPOLL_CTL_MOD, EPOLLIN);
    schedule(crowd, companion, TURN_COMES_MS);
}

static void take_turn(struct soak_crowd *crowd, struct soak_companion *companion)
{
    if (companion->phase == SOAK_ABSENT)
        come(crowd, companion);
    else if (companion->manner == SOAK_BAD)
        leave(crowd, companion, chance(crowd, 2));
    else if (companion->stalled)
        resume(crowd, companion);
    else if (companion->phase == SOAK_OPEN)
        act(crowd, companion);
    else
        schedule(crowd, companion, TURN_COMES_MS);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct soak_crowd *soak_crowd_create(const struct soak_daemon *daemon, unsigned companions,
                                     double tls_share, uint64_t seed)
{
    struct soak_crowd *crowd = calloc(1, sizeof *crowd);

    if (!crowd)
        return NULL;
    crowd->daemon = daemon;
    crowd->random.state = seed;
    crowd->count = companions;
    crowd->tls_share = (unsigned)(tls_share * SHARE_UNIT);
    crowd->tls = soak_tls_create(daemon->certificate);
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->companions = calloc(companions, sizeof *crowd->companions);
    crowd->acts = calloc(ACTS, sizeof *crowd->acts);
    if (!crowd->companions || !crowd->acts || !crowd->tls || crowd->epoll < 0) {
        soak_crowd_destroy(crowd);
        return NULL;
    }
    for (unsigned i = 0; i < companions; i++) {
        crowd->companions[i].number = i + 1;
        leave(crowd, &crowd->companions[i], false);
    }
    return crowd;
}

void soak_crowd_destroy(struct soak_crowd *crowd)
{
    if (!crowd)
        return;
    if (crowd->companions)
        soak_crowd_disperse(crowd);
    if (crowd->epoll >= 0)
        close(crowd->epoll);
    SSL_CTX_free(crowd->tls);
    free(crowd->companions);
    free(crowd->acts);
    free(crowd);
}

void soak_crowd_turn(struct soak_crowd *crowd, bool acting)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(crowd->epoll, events, EVENTS, TURN_MS);
    uint64_t now_ms;

    for (int i = 0; i < count; i++) {
        struct soak_companion *companion = events[i].data.ptr;
        enum soak_phase before = companion->phase;
        unsigned code = 1006;
        enum soak_end end = soak_companion_go_on(companion, &code);

        if (before != SOAK_OPEN && companion->phase == SOAK_OPEN) {
            crowd->opened++;
            crowd->opened_by_tls += companion->tls != NULL;
        }
        if (before == SOAK_CONNECTING && end == SOAK_LIVES)
            watch(crowd, companion, EPOLL_CTL_MOD, EPOLLIN);
        /* A stalled one is told only that its connection has ended. */
        if (companion->stalled)
            end = SOAK_LOST;
        if (end != SOAK_LIVES)
            settle_end(crowd, companion, end, code);
    }
    now_ms = soak_now_ms();
    for (unsigned i = 0; acting && i < crowd->count; i++) {
        if (now_ms >= crowd->companions[i].next_ms)
            take_turn(crowd, &crowd->companions[i]);
    }
}

void soak_crowd_calm(struct soak_crowd *crowd)
{
    for (unsigned i = 0; i < crowd->count; i++) {
        struct soak_companion *companion = &crowd->companions[i];

        if (companion->phase == SOAK_ABSENT)
            continue;
        if (companion->manner == SOAK_BAD || companion->phase != SOAK_OPEN || companion->mute)
            leave(crowd, companion, true);
        else if (companion->stalled)
            resume(crowd, companion);
    }
}

void soak_crowd_disperse(struct soak_crowd *crowd)
{
    for (unsigned i = 0; i < crowd->count; i++)
        leave(crowd, &crowd->companions[i], false);
}

void soak_crowd_each(struct soak_crowd *crowd,
                     void (*visit)(void *user, const struct soak_companion *companion), void *user)
{
    for (unsigned i = 0; i < crowd->count; i++) {
        const struct soak_companion *companion = &crowd->companions[i];

        if (companion->phase == SOAK_OPEN && companion->manner != SOAK_BAD)
            visit(user, companion);
    }
}

uint64_t soak_crowd_wronged(const struct soak_crowd *crowd)
{
    return crowd->wronged;
}

uint64_t soak_crowd_opened_by_tls(const struct soak_crowd *crowd)
{
    return crowd->opened_by_tls;
}

void soak_crowd_print(const struct soak_crowd *crowd, FILE *out)
{
    fprintf(out,
            "connections: %" PRIu64 " made, %" PRIu64 " opened, %" PRIu64
            " closed by the server, %" PRIu64 " lost, %" PRIu64 " ended for no reason\n",
            crowd->came, crowd->opened, crowd->closed_by_server, crowd->lost, crowd->wronged);
    fprintf(out, "by TLS: %" PRIu64 " made, %" PRIu64 " opened\n", crowd->came_by_tls,
            crowd->opened_by_tls);
    fprintf(out, "companions:");
    for (size_t i = 0; i < ACTS; i++)
        fprintf(out, "%s %s %" PRIu64, i == 0 ? "" : ",", acts[i].name, crowd->acts[i]);
    fprintf(out, "\n");
}
