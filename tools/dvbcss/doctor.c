/*
 * dvbcss doctor: looks at a TV step by step, and tells what is wrong and what to do.
 */
#include "doctor.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "Usage: dvbcss doctor [OPTION]... [URL|ADDRESS|NAME]\n"
    "Look at a television as companions see it - discovery, CII, wall clock, timeline - and say\n"
    "what is wrong and what to do about it. The television is the one whose CII endpoint\n"
    "(ws://...) or device description (http://...) has that URL, the one at ADDRESS, the one that\n"
    "'dvbcss discover' shows as NAME, or the only one there is.\n"
    "\n"
    "      --observe SECONDS   how long to watch wall clock and timeline each (4)\n" HELP_TRUST(
        "wss") "  -j, --json              print JSON lines\n"
               "  -h, --help              print this and exit\n"
               "\n"
               "Each JSON line has an event: finding (with step, level, id, text and advice) or "
               "result.\n"
               "\n"
               "Exit status: 0 nothing is wrong, 1 something is, 2 bad command line.\n";

/* ---- waiting -------------------------------------------------------------------------------- */

static void on_time_over(uv_timer_t *timer)
{
    struct doctor *doctor = timer->data;

    doctor->time_over = true;
}

bool doctor_wait(struct doctor *doctor, const bool *done, double seconds)
{
    doctor->time_over = false;
    uv_update_time(&doctor->loop);
    uv_timer_start(&doctor->timer, on_time_over, (uint64_t)(seconds * 1000), 0);
    while (!*done && !doctor->time_over)
        uv_run(&doctor->loop, UV_RUN_ONCE);
    uv_timer_stop(&doctor->timer);
    return *done;
}

/* ---- the visit ------------------------------------------------------------------------------ */

static int examine(struct doctor *doctor, const char *argument)
{
    doctor_discovery(doctor, argument);
    if (*doctor->cii_url && doctor_cii(doctor)) {
        doctor_wall_clock(doctor);
        doctor_ts(doctor);
    }
    return doctor->failure ? doctor->failure : doctor_conclude(doctor);
}

static int visit(struct doctor *doctor, const char *argument)
{
    int exit_code;

    if (uv_loop_init(&doctor->loop) != 0)
        return failure(doctor->command, "no event loop can be had");
    if (local_clock_init(&doctor->clock, 500) != 0) {
        uv_loop_close(&doctor->loop);
        return failure(doctor->command, "out of memory");
    }
    uv_timer_init(&doctor->loop, &doctor->timer);
    doctor->timer.data = doctor;
    exit_code = examine(doctor, argument);
    dvbcss_wc_client_close(doctor->wall_clock, NULL, NULL);
    dvbcss_cii_client_close(doctor->cii, NULL, NULL);
    uv_close((uv_handle_t *)&doctor->timer, NULL);
    uv_run(&doctor->loop, UV_RUN_DEFAULT);
    uv_loop_close(&doctor->loop);
    local_clock_finish(&doctor->clock);
    return exit_code;
}

enum { OBSERVE = 256, CA_FILE, PIN };

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {{"observe", required_argument, NULL, OBSERVE},
                                            {"ca-file", required_argument, NULL, CA_FILE},
                                            {"pin", required_argument, NULL, PIN},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct doctor doctor = {.command = command, .observe_s = 4};
    int option;

    while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            doctor.json = true;
            break;
        case 'h':
            fputs(command->help, stdout);
            return EXIT_DONE;
        case CA_FILE:
            doctor.ca_file = optarg;
            break;
        case PIN:
            doctor.pin = optarg;
            break;
        case OBSERVE:
            if (!read_number(optarg, 0.1, 3600, &doctor.observe_s))
                return usage_error(command, "--observe cannot be \"%s\"", optarg);
            break;
        default:
            fprintf(stderr, "Try 'dvbcss %s --help'.\n", command->name);
            return EXIT_USAGE;
        }
    }
    if (argc - optind > 1)
        return usage_error(command, "expected one URL, ADDRESS or NAME at most");
    return visit(&doctor, optind < argc ? argv[optind] : NULL);
}

const struct command command_doctor = {"doctor", "find out what is wrong with a TV", help, run};
