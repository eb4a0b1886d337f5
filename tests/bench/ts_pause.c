/*
 * How soon a pause reaches every companion of a running dvbcssd, beside the least that any server
 * needs for the same bytes:
 *
 *     ts_pause PORT CONTROL_SOCKET TIMELINE SELECTOR COMPANIONS ROUNDS
 *
 * Opens the companions on ws://127.0.0.1:PORT/ts, each with a setup-data for SELECTOR, and as many
 * connections to a limit of its own: a process that does nothing but send() the same bytes to each,
 * on the first processor, where dvbcssd should be, too.
 * Then pauses and resumes the timeline by the control API ROUNDS times, and has the limit send in
 * turn. Prints the time from each request to the first and the last receipt.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ws_crowd.h"

enum { LIMIT_BACKLOG = 4096 };

/* One server and its connections. */
struct target {
    struct ws_crowd *crowd;
    size_t count;
    /* Which have received the speed that is waited for, and how many. */
    bool *is_told;
    size_t told;
    double wanted_speed;
    uint64_t first_ns;
    uint64_t last_ns;
    /* Of the last message received. */
    size_t message_bytes;
};

struct times {
    double *first_ms;
    double *last_ms;
};

static void send_all(int fd, const void *bytes, size_t length)
{
    if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        bench_die("send");
}

/* ---- companions ----------------------------------------------------------------------------- */

static void on_text(void *context, size_t index, const char *text, size_t length)
{
    static const char member[] = "\"timelineSpeedMultiplier\":";
    struct target *target = context;
    const char *found = strstr(text, member);

    if (!found || target->is_told[index] ||
        strtod(found + sizeof member - 1, NULL) != target->wanted_speed)
        return;
    target->is_told[index] = true;
    target->message_bytes = length;
    target->last_ns = bench_now_ns();
    if (target->told++ == 0)
        target->first_ns = target->last_ns;
}

static void await(struct target *target, double speed)
{
    target->wanted_speed = speed;
    target->told = 0;
    memset(target->is_told, 0, target->count * sizeof *target->is_told);
}

/* Opens all and waits until each has a control timestamp of normal speed. */
static void open_all(struct target *target, size_t count, uint16_t port, const char *selector)
{
    char setup[256];
    struct ws_crowd_options options = {
        .port = port, .path = "/ts", .first_text = setup, .on_text = on_text, .context = target};

    snprintf(setup, sizeof setup, "{\"contentIdStem\":\"\",\"timelineSelector\":\"%s\"}", selector);
    target->count = count;
    target->is_told = calloc(count, sizeof *target->is_told);
    if (!target->is_told)
        bench_die("memory");
    await(target, 1);
    target->crowd = ws_crowd_open(&options, count);
    while (target->told < count)
        ws_crowd_turn(target->crowd);
}

static void close_all(struct target *target)
{
    ws_crowd_drop(target->crowd);
    free(target->is_told);
}

/* ---- the limit: a server that does nothing but send ------------------------------------------ */

struct limit {
    pid_t pid;
    int commands;
    uint16_t port;
};

static size_t frame_speed(char *frame, double speed, size_t message_bytes)
{
    size_t head = message_bytes > 125 ? 4 : 2;
    char text[64];
    int length = snprintf(text, sizeof text, "{\"timelineSpeedMultiplier\":%g,\"pad\":\"", speed);

    memset(frame, 'x', head + message_bytes);
    frame[0] = '\x81';
    frame[1] = head == 4 ? 126 : (char)message_bytes;
    if (head == 4) {
        frame[2] = (char)(message_bytes >> 8);
        frame[3] = (char)message_bytes;
    }
    memcpy(frame + head, text, (size_t)length);
    memcpy(frame + head + message_bytes - 2, "\"}", 2);
    return head + message_bytes;
}

/* Takes a handshake and the setup-data behind it, and answers with the first message. */
static int take_one(int listener, size_t message_bytes)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    char bytes[2048];
    size_t length;
    int on = 1;
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
        bench_die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (recv(fd, bytes, sizeof bytes, 0) <= 0)
        bench_die("no request");
    send_all(fd, answer, sizeof answer - 1);
    if (recv(fd, bytes, sizeof bytes, 0) <= 0)
        bench_die("no setup-data");
    length = frame_speed(bytes, 1, message_bytes);
    send_all(fd, bytes, length);
    return fd;
}

/* Each double that arrives on @p commands is a speed to send. */
static void run_limit(int listener, int commands, size_t count, size_t message_bytes)
{
    int *fds = calloc(count, sizeof *fds);
    char frame[2048];
    double speed;

    if (!fds)
        bench_die("memory");
    for (size_t i = 0; i < count; i++)
        fds[i] = take_one(listener, message_bytes);
    while (read(commands, &speed, sizeof speed) == sizeof speed) {
        size_t length = frame_speed(frame, speed, message_bytes);

        for (size_t i = 0; i < count; i++)
            send_all(fds[i], frame, length);
    }
    free(fds);
}

/* In a process of its own: on the first processor, without the companions of the daemon. */
static void settle(const struct target *daemon)
{
    cpu_set_t first;

    CPU_ZERO(&first);
    CPU_SET(0, &first);
    if (sched_setaffinity(0, sizeof first, &first) != 0)
        bench_die("sched_setaffinity");
    ws_crowd_drop(daemon->crowd);
}

static void start_limit(struct limit *limit, const struct target *daemon)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int commands[2];

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (void *)&address, sizeof address) != 0 ||
        listen(listener, LIMIT_BACKLOG) != 0 ||
        getsockname(listener, (void *)&address, &length) != 0 || pipe(commands) != 0)
        bench_die("limit");
    limit->port = ntohs(address.sin_port);
    limit->commands = commands[1];
    limit->pid = fork();
    if (limit->pid < 0)
        bench_die("fork");
    if (limit->pid == 0) {
        close(commands[1]);
        settle(daemon);
        run_limit(listener, commands[0], daemon->count, daemon->message_bytes);
        _exit(0);
    }
    close(commands[0]);
    close(listener);
}

static void stop_limit(struct limit *limit)
{
    close(limit->commands);
    waitpid(limit->pid, NULL, 0);
}

/* ---- pushing -------------------------------------------------------------------------------- */

static int ask_for_speed(const char *path, const char *timeline, double speed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char body[64];
    char request[512];
    int body_length = snprintf(body, sizeof body, "{\"speed\":%g}", speed);
    int length = snprintf(request, sizeof request,
                          "PATCH /api/v1/timelines/%s HTTP/1.1\r\nHost: localhost\r\n"
                          "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                          timeline, body_length, body);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (void *)&address, sizeof address) != 0)
        bench_die(path);
    send_all(fd, request, (size_t)length);
    return fd;
}

static void expect_success(int fd)
{
    char answer[256] = "";

    if (recv(fd, answer, sizeof answer - 1, 0) <= 0 || strncmp(answer, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "ts_pause: the request failed: %s\n", answer);
        exit(1);
    }
    close(fd);
}

static void collect(struct target *target, uint64_t begin_ns, struct times *times, size_t round)
{
    while (target->told < target->count)
        ws_crowd_turn(target->crowd);
    times->first_ms[round] = (double)(target->first_ns - begin_ns) / 1e6;
    times->last_ms[round] = (double)(target->last_ns - begin_ns) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double report(const char *name, const struct times *times, size_t rounds)
{
    qsort(times->first_ms, rounds, sizeof *times->first_ms, compare);
    qsort(times->last_ms, rounds, sizeof *times->last_ms, compare);
    printf("%-8s first after ms: median %.2f, last after ms: min %.2f, median %.2f, max %.2f\n",
           name, times->first_ms[rounds / 2], times->last_ms[0], times->last_ms[rounds / 2],
           times->last_ms[rounds - 1]);
    return times->last_ms[rounds / 2];
}

static struct times make_times(size_t rounds)
{
    struct times times = {calloc(rounds, sizeof(double)), calloc(rounds, sizeof(double))};

    if (!times.first_ms || !times.last_ms)
        bench_die("memory");
    return times;
}

static void measure(char **argv, struct target *daemon, struct target *limit, int commands,
                    size_t rounds)
{
    struct times ours = make_times(rounds), least = make_times(rounds);
    double last_ms;

    for (size_t round = 0; round < rounds; round++) {
        double speed = (double)(round % 2);
        uint64_t begin_ns;
        int request;

        await(daemon, speed);
        begin_ns = bench_now_ns();
        request = ask_for_speed(argv[2], argv[3], speed);
        collect(daemon, begin_ns, &ours, round);
        expect_success(request);
        await(limit, speed);
        begin_ns = bench_now_ns();
        if (write(commands, &speed, sizeof speed) != sizeof speed)
            bench_die("limit");
        collect(limit, begin_ns, &least, round);
    }
    printf("%zu companions, %zu bytes, %zu rounds\n", daemon->count, daemon->message_bytes, rounds);
    last_ms = report("dvbcssd", &ours, rounds);
    printf("ratio of the medians of the last: %.2f\n", last_ms / report("limit", &least, rounds));
}

int main(int argc, char **argv)
{
    struct target daemon = {0}, limit = {0};
    struct limit server;
    size_t count, rounds;

    if (argc != 7) {
        fprintf(stderr,
                "usage: ts_pause PORT CONTROL_SOCKET TIMELINE SELECTOR COMPANIONS ROUNDS\n");
        return 2;
    }
    count = strtoul(argv[5], NULL, 10);
    rounds = strtoul(argv[6], NULL, 10);
    if (count == 0 || rounds == 0)
        return 2;
    bench_raise_descriptor_limit();
    open_all(&daemon, count, (uint16_t)strtoul(argv[1], NULL, 10), argv[4]);
    start_limit(&server, &daemon);
    open_all(&limit, count, server.port, argv[4]);
    measure(argv, &daemon, &limit, server.commands, rounds);
    close_all(&limit);
    close_all(&daemon);
    stop_limit(&server);
    return 0;
}
