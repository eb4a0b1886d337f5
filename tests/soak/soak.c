/*
 * Soaks a daemon: a crowd of companions comes, goes, sets up, stalls and misbehaves at random while
 * what it presents changes through its control API. In the end every companion that is still there
 * knows exactly what the daemon says, nobody was sent away who had done nothing wrong, and the
 * daemon uses no more memory and descriptors than when the first crowd had left.
 *
 *     soak --daemon PROGRAM [--seconds 20] [--companions 2000] [--seed 1] [--changes 4]
 *          [--tls-share 0.25] [--loose-memory] [--set SECTION.KEY=VALUE]...
 *
 * --tls-share: so much of the crowd comes by TLS; each companion decides whenever it comes.
 *
 * --loose-memory prints memory, and does not judge it: a sanitizer keeps what is freed.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "soak_crowd.h"
#include "soak_daemon.h"
#include "soak_programme.h"

enum {
    SETTINGS_MAX = 32,
    /* For everybody to hear the last news, and for the daemon to see the last one leave. */
    PATIENCE_MS = 60000,
    REPORTS = 10,
    MISTAKEN_SHOWN = 5,
    /* Beyond this and a sixth, memory has grown. */
    MEMORY_SLACK_KB = 2048,
};

struct options {
    const char *program;
    unsigned seconds;
    unsigned companions;
    unsigned seed;
    unsigned changes_per_s;
    double tls_share;
    bool loose_memory;
    const char *settings[SETTINGS_MAX];
    size_t setting_count;
};

struct soak {
    struct options options;
    struct soak_daemon daemon;
    struct soak_crowd *crowd;
    struct soak_programme programme;
    struct soak_usage before;
    struct soak_usage after;
    unsigned checked;
    unsigned mistaken;
};

/* ---- options --------------------------------------------------------------------------------- */

static bool set(struct options *options, const char *setting)
{
    if (options->setting_count >= SETTINGS_MAX - 1)
        return false;
    options->settings[options->setting_count++] = setting;
    return true;
}

static void set_defaults(struct options *options)
{
    static const char *const fixed[] = {
        "http.address=127.0.0.1",
        "http.port=0",
        /* Those who do not pong are found out after 15 s: within the run, and not before a machine
         * under load has let the others answer. */
        "http.ping_interval=5",
        /* All of them come from one address. */
        "http.max_connections_per_address=0",
        "cii.max_connections_per_address=0",
        "ts.max_connections_per_address=0",
        "wallclock.address=127.0.0.1",
        "wallclock.port=0",
        "log.level=error",
        "content.id=dvb://1.2.3",
        "timeline.pts.selector=urn:dvb:css:timeline:pts",
        "timeline.temi.selector=urn:dvb:css:timeline:temi:1:1",
        "timeline.temi.tick_rate=1000",
    };

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        set(options, fixed[i]);
}

static void set_limits(struct options *options)
{
    static char limits[2][64];

    snprintf(limits[0], sizeof limits[0], "cii.max_connections=%u", options->companions);
    snprintf(limits[1], sizeof limits[1], "ts.max_connections=%u", options->companions);
    set(options, limits[0]);
    set(options, limits[1]);
}

static bool read_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"daemon", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 't'},
        {"companions", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'},
        {"changes", required_argument, NULL, 'c'},
        {"tls-share", required_argument, NULL, 'T'},
        {"loose-memory", no_argument, NULL, 'm'},
        {"set", required_argument, NULL, 'S'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        unsigned number = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

        if (option == 'd')
            options->program = optarg;
        else if (option == 't')
            options->seconds = number;
        else if (option == 'n')
            options->companions = number;
        else if (option == 's')
            options->seed = number;
        else if (option == 'c')
            options->changes_per_s = number;
        else if (option == 'T')
            options->tls_share = strtod(optarg, NULL);
        else if (option == 'm')
            options->loose_memory = true;
        else if (option != 'S' || !set(options, optarg))
            return false;
    }
    return options->program && options->seconds != 0 && options->companions != 0 &&
           options->changes_per_s != 0 && options->tls_share >= 0 && options->tls_share <= 1 &&
           optind == argc;
}

/* ---- phases ---------------------------------------------------------------------------------- */

static void live(struct soak *soak, uint64_t milliseconds, bool reporting)
{
    uint64_t start_ms = soak_now_ms();
    uint64_t change_ms = start_ms;
    uint64_t report_ms = start_ms + milliseconds / REPORTS;

    while (soak_now_ms() - start_ms < milliseconds) {
        soak_crowd_turn(soak->crowd, true);
        if (soak_now_ms() >= change_ms) {
            change_ms += 1000 / soak->options.changes_per_s;
            soak_programme_change(&soak->programme);
        }
        if (reporting && soak_now_ms() >= report_ms) {
            struct soak_usage usage = soak_daemon_usage(&soak->daemon);

            report_ms += milliseconds / REPORTS;
            printf("after %4" PRIu64 " s: %ld kB, %u descriptors\n",
                   (soak_now_ms() - start_ms) / 1000, usage.memory_kb, usage.descriptors);
            fflush(stdout);
        }
    }
}

/* The daemon alone: everybody has left, and it has noticed. */
static struct soak_usage usage_alone(struct soak *soak)
{
    uint64_t start_ms = soak_now_ms();
    struct soak_usage usage;
    size_t connections;

    soak_crowd_disperse(soak->crowd);
    do {
        json_t *answer = soak_daemon_get(&soak->daemon, "/api/v1/connections");

        connections = json_array_size(json_object_get(answer, "connections"));
        json_decref(answer);
        soak_crowd_turn(soak->crowd, false);
        usage = soak_daemon_usage(&soak->daemon);
    } while ((connections != 0 ||
              (soak->before.descriptors != 0 && usage.descriptors != soak->before.descriptors)) &&
             soak_now_ms() - start_ms < PATIENCE_MS);
    return usage;
}

struct judgement {
    const struct soak_truth *truth;
    unsigned checked;
    unsigned mistaken;
    bool telling;
};

static void judge(void *user, const struct soak_companion *companion)
{
    struct judgement *judgement = user;
    char *known;

    judgement->checked++;
    if (soak_truth_is_known(judgement->truth, companion))
        return;
    if (judgement->telling && judgement->mistaken < MISTAKEN_SHOWN) {
        known = companion->known ? json_dumps(companion->known, JSON_COMPACT) : NULL;
        fprintf(stderr, "soak: companion %u (%s%s%s%s) knows %s\n", companion->number,
                companion->tls ? "by TLS, " : "", companion->role == SOAK_CII ? "CII" : "TS ",
                companion->selector ? companion->selector : "",
                companion->stem ? companion->stem : "", known ? known : "nothing");
        free(known);
    }
    judgement->mistaken++;
}

/* Everybody has the time to hear the last news; then nobody is mistaken. */
static void reckon(struct soak *soak)
{
    uint64_t start_ms = soak_now_ms();
    struct judgement judgement = {.mistaken = 1};

    soak_crowd_calm(soak->crowd);
    while (judgement.mistaken != 0 && !judgement.telling) {
        struct soak_truth truth = soak_truth_ask(&soak->daemon);

        for (int i = 0; i < 20; i++)
            soak_crowd_turn(soak->crowd, false);
        judgement =
            (struct judgement){.truth = &truth, .telling = soak_now_ms() - start_ms > PATIENCE_MS};
        soak_crowd_each(soak->crowd, judge, &judgement);
        soak_truth_finish(&truth);
    }
    soak->checked = judgement.checked;
    soak->mistaken = judgement.mistaken;
}

/* ---- verdict --------------------------------------------------------------------------------- */

static bool require(bool holds, const char *what)
{
    if (!holds)
        printf("FAILED: %s\n", what);
    return holds;
}

static bool conclude(struct soak *soak, bool ended_well)
{
    long limit_kb = soak->before.memory_kb + soak->before.memory_kb / 6 + MEMORY_SLACK_KB;
    bool good = true;

    printf("%u companions, %u s, seed %u, %" PRIu64 " changes\n", soak->options.companions,
           soak->options.seconds, soak->options.seed, soak->programme.changes);
    soak_crowd_print(soak->crowd, stdout);
    printf("in the end: %u companions, %u mistaken\n", soak->checked, soak->mistaken);
    printf("daemon alone: %ld kB and %u descriptors before, %ld kB and %u after\n",
           soak->before.memory_kb, soak->before.descriptors, soak->after.memory_kb,
           soak->after.descriptors);
    good &= require(soak->checked != 0, "nobody was left in the end");
    good &= require(soak->options.tls_share == 0 || soak_crowd_opened_by_tls(soak->crowd) != 0,
                    "nobody came by TLS");
    good &= require(soak->mistaken == 0, "companions do not know what the daemon says");
    good &= require(soak_crowd_wronged(soak->crowd) == 0, "connections were ended for no reason");
    good &= require(soak->programme.failures == 0, "changes were not answered");
    good &= require(soak->after.descriptors == soak->before.descriptors, "descriptors remain");
    good &= require(soak->options.loose_memory || soak->after.memory_kb <= limit_kb,
                    "memory has grown");
    good &= require(ended_well, "the daemon did not end as it should");
    printf("%s\n", good ? "good" : "bad");
    return good;
}

/* A descriptor for each companion, for the daemon as well, which inherits the limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool soak_all(struct soak *soak)
{
    uint64_t milliseconds = (uint64_t)soak->options.seconds * 1000;
    bool ended_well;
    bool good;

    if (!soak_daemon_start(&soak->daemon, soak->options.program, soak->options.settings))
        return false;
    soak->programme.daemon = &soak->daemon;
    soak->programme.random.state = soak->options.seed;
    soak->crowd = soak_crowd_create(&soak->daemon, soak->options.companions,
                                    soak->options.tls_share, soak->options.seed);
    if (!soak->crowd)
        return false;
    /* The first crowd is for what is allocated once, by the longest answer of all, too. */
    live(soak, milliseconds / 4, false);
    json_decref(soak_daemon_get(&soak->daemon, "/api/v1/connections"));
    soak->before = usage_alone(soak);
    live(soak, milliseconds, true);
    reckon(soak);
    soak->after = usage_alone(soak);
    ended_well = soak_daemon_stop(&soak->daemon);
    good = conclude(soak, ended_well);
    soak_crowd_destroy(soak->crowd);
    return good;
}

int main(int argc, char **argv)
{
    static struct soak soak = {
        .options = {
            .seconds = 20, .companions = 2000, .seed = 1, .changes_per_s = 4, .tls_share = 0.25}};

    /* What the command line says comes later, and wins. */
    set_defaults(&soak.options);
    if (!read_options(&soak.options, argc, argv)) {
        fprintf(stderr, "soak: see the beginning of soak.c for how it is used\n");
        return 2;
    }
    set_limits(&soak.options);
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    return soak_all(&soak) ? 0 : 1;
}
