/*
 * The load for a server that broadcasts on SIGUSR2, as ws_broadcast does:
 *
 *     ws_load [--tls] PORT PID CLIENTS PUSHES
 *
 * Opens the clients on ws://127.0.0.1:PORT/, or wss, and has the process PID broadcast PUSHES
 * times, each time when all have the last one. Prints how fast they were opened, what the server's
 * memory grew by for each, and how fast and at what cost the texts reached them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "ws_crowd.h"

struct load {
    pid_t server;
    size_t clients;
    size_t received;
};

static void on_text(void *context, size_t index, const char *text, size_t length)
{
    struct load *load = context;

    (void)index, (void)text, (void)length;
    load->received++;
}

/* A field of /proc/PID/stat, counted from 1 as in proc(5); only for those behind the name. */
static double read_stat(pid_t pid, int field)
{
    char path[64], text[1024] = "";
    const char *at;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (!file || !fgets(text, sizeof text, file) || !(at = strrchr(text, ')')))
        bench_die(path);
    fclose(file);
    for (int i = 2; i < field; i++)
        at = strchr(at + 1, ' ');
    return strtod(at, NULL);
}

/* User and system time. */
static double cpu_seconds(pid_t pid)
{
    return (read_stat(pid, 14) + read_stat(pid, 15)) / (double)sysconf(_SC_CLK_TCK);
}

static double resident_bytes(pid_t pid)
{
    return read_stat(pid, 24) * (double)sysconf(_SC_PAGESIZE);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* Times of each push until the last client had it. */
static void push(struct load *load, struct ws_crowd *crowd, size_t pushes)
{
    double *last_ms = calloc(pushes, sizeof *last_ms);
    double cpu_s = cpu_seconds(load->server), deliveries = (double)(load->clients * pushes),
           seconds;
    uint64_t begin_ns = bench_now_ns();

    if (!last_ms)
        bench_die("memory");
    for (size_t i = 0; i < pushes; i++) {
        uint64_t sent_ns = bench_now_ns();

        load->received = 0;
        if (kill(load->server, SIGUSR2) != 0)
            bench_die("kill");
        while (load->received < load->clients)
            ws_crowd_turn(crowd);
        last_ms[i] = (double)(bench_now_ns() - sent_ns) / 1e6;
    }
    seconds = (double)(bench_now_ns() - begin_ns) / 1e9;
    cpu_s = cpu_seconds(load->server) - cpu_s;
    qsort(last_ms, pushes, sizeof *last_ms, compare);
    printf("deliveries/s %.0f, last client after ms: median %.2f, p99 %.2f; "
           "server CPU s per 1M deliveries %.2f\n",
           deliveries / seconds, last_ms[pushes / 2], last_ms[pushes * 99 / 100],
           cpu_s * 1e6 / deliveries);
    free(last_ms);
}

static struct ws_crowd *open_crowd(struct load *load, uint16_t port, bool tls)
{
    struct ws_crowd_options options = {
        .port = port, .path = "/", .tls = tls, .on_text = on_text, .context = load};
    double memory = resident_bytes(load->server), cpu_s = cpu_seconds(load->server);
    double clients = (double)load->clients;
    uint64_t begin_ns = bench_now_ns();
    struct ws_crowd *crowd = ws_crowd_open(&options, load->clients);

    printf("handshakes/s %.0f, server CPU us each %.1f, bytes per connection %.0f\n",
           clients * 1e9 / (double)(bench_now_ns() - begin_ns),
           (cpu_seconds(load->server) - cpu_s) * 1e6 / clients,
           (resident_bytes(load->server) - memory) / clients);
    return crowd;
}

int main(int argc, char **argv)
{
    bool tls = argc > 1 && strcmp(argv[1], "--tls") == 0;
    struct load load = {0};
    struct ws_crowd *crowd;
    size_t pushes;

    argv += tls;
    if (argc - tls != 5) {
        fprintf(stderr, "usage: ws_load [--tls] PORT PID CLIENTS PUSHES\n");
        return 2;
    }
    load.server = (pid_t)strtol(argv[2], NULL, 10);
    load.clients = strtoul(argv[3], NULL, 10);
    pushes = strtoul(argv[4], NULL, 10);
    if (load.server <= 0 || load.clients == 0 || pushes == 0)
        return 2;
    bench_raise_descriptor_limit();
    crowd = open_crowd(&load, (uint16_t)strtoul(argv[1], NULL, 10), tls);
    push(&load, crowd, pushes);
    ws_crowd_drop(crowd);
    return 0;
}
