/*
 * dvbcss ctl: looks at a running dvbcssd and changes it, by its control API.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ctl_commands.h"

#define DEFAULT_SOCKET "/run/dvbcssd/control.sock"

static const char help[] =
    "Usage: dvbcss ctl [OPTION]... COMMAND [ARGUMENT]...\n"
    "Look at a running dvbcssd, and change it.\n"
    "\n"
    "  -S, --socket PATH       its control socket; else $DVBCSS_CONTROL_SOCKET, else\n"
    "                          " DEFAULT_SOCKET "\n"
    "  -u, --url URL           its control URL, as http://192.0.2.7:7682\n"
    "      --token-file FILE   file whose first line is the token for the URL\n" HELP_TRUST(
        "https") "  -t, --timeout SECONDS   wait at most that long for the answer (10)\n"
                 "  -j, --json              print the answer as JSON\n"
                 "      --at NS             have the change hold from that time of the wall clock "
                 "on\n"
                 "      --in SECONDS        the same, from now\n"
                 "      --code N            close code\n"
                 "      --reason TEXT       close reason\n"
                 "      --rate R            tick rate, as 90000 or 30000/1001\n"
                 "      --position TICKS    where a new timeline is now\n"
                 "      --speed X           speed of a new timeline\n"
                 "      --accuracy SECONDS  accuracy of a new timeline\n"
                 "      --unavailable       a new timeline cannot be had at first\n"
                 "  -h, --help              print this and exit\n"
                 "\n"
                 "Commands:\n";

static void print_help(void)
{
    char usage[80];

    fputs(help, stdout);
    for (size_t i = 0; i < ctl_command_count; i++) {
        snprintf(usage, sizeof usage, "%s %s", ctl_commands[i].words, ctl_commands[i].arguments);
        printf("  %-36s %s\n", usage, ctl_commands[i].help);
    }
    fputs("\nExit status: 0 done, 1 failed or refused, 2 bad command line.\n", stdout);
}

/* ---- the command line ----------------------------------------------------------------------- */

enum {
    TOKEN_FILE = 256,
    CA_FILE,
    PIN,
    AT,
    IN,
    CODE,
    REASON,
    RATE,
    POSITION,
    SPEED,
    ACCURACY,
    UNAVAILABLE
};

static const struct option long_options[] = {{"socket", required_argument, NULL, 'S'},
                                             {"url", required_argument, NULL, 'u'},
                                             {"token-file", required_argument, NULL, TOKEN_FILE},
                                             {"ca-file", required_argument, NULL, CA_FILE},
                                             {"pin", required_argument, NULL, PIN},
                                             {"timeout", required_argument, NULL, 't'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"at", required_argument, NULL, AT},
                                             {"in", required_argument, NULL, IN},
                                             {"code", required_argument, NULL, CODE},
                                             {"reason", required_argument, NULL, REASON},
                                             {"rate", required_argument, NULL, RATE},
                                             {"position", required_argument, NULL, POSITION},
                                             {"speed", required_argument, NULL, SPEED},
                                             {"accuracy", required_argument, NULL, ACCURACY},
                                             {"unavailable", no_argument, NULL, UNAVAILABLE},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

struct arguments {
    struct ctl_target target;
    struct ctl_options options;
    bool json;
};

/* Where the value of an option for some commands goes; NULL if it is none of these. */
static const char **option_place(struct ctl_options *options, int option)
{
    switch (option) {
    case AT:
        return &options->at;
    case IN:
        return &options->in;
    case CODE:
        return &options->code;
    case REASON:
        return &options->reason;
    case RATE:
        return &options->rate;
    case POSITION:
        return &options->position;
    case SPEED:
        return &options->speed;
    case ACCURACY:
        return &options->accuracy;
    default:
        return NULL;
    }
}

/* Takes an option; false if its value is bad. */
static bool take_option(struct arguments *arguments, int option)
{
    const char **place = option_place(&arguments->options, option);

    if (place) {
        *place = optarg;
        return true;
    }
    switch (option) {
    case 'S':
        arguments->target.socket = optarg;
        return true;
    case 'u':
        arguments->target.url = optarg;
        return true;
    case TOKEN_FILE:
        arguments->target.token_file = optarg;
        return true;
    case CA_FILE:
        arguments->target.ca_file = optarg;
        return true;
    case PIN:
        arguments->target.pin = optarg;
        return true;
    case 't':
        return read_number(optarg, 0.001, 86400, &arguments->target.timeout_s);
    case UNAVAILABLE:
        arguments->options.unavailable = true;
        return true;
    default:
        arguments->json = true;
        return true;
    }
}

/* To getopt "-10" is an option. With a space in front it is none, and still the same number. */
static void protect_numbers(int argc, char **argv, char storage[][32], int count)
{
    int used = 0;

    for (int i = 1; i < argc && used < count; i++) {
        if (argv[i][0] == '-' && (isdigit((unsigned char)argv[i][1]) || argv[i][1] == '.') &&
            strlen(argv[i]) < 30) {
            snprintf(storage[used], 32, " %s", argv[i]);
            argv[i] = storage[used++];
        }
    }
}

/* Returns -1 to go on, or an exit code. */
static int read_arguments(const struct command *command, int argc, char **argv,
                          struct arguments *arguments)
{
    int option;

    while ((option = getopt_long(argc, argv, "S:u:t:jh", long_options, NULL)) != -1) {
        if (option == 'h') {
            print_help();
            return EXIT_DONE;
        }
        if (option == '?') {
            fprintf(stderr, "Try 'dvbcss ctl --help'.\n");
            return EXIT_USAGE;
        }
        if (!take_option(arguments, option))
            return usage_error(command, "--timeout cannot be \"%s\"", optarg);
    }
    if (optind == argc)
        return usage_error(command, "expected a command");
    return -1;
}

/* ---- the answer ----------------------------------------------------------------------------- */

/* Says why the daemon refused; what is no JSON came from the server beneath the API. */
static int report_refusal(const struct command *command, const struct ctl_answer *answer)
{
    json_t *problem = answer->text ? json_loadb(answer->text, answer->length, 0, NULL) : NULL;
    const char *member = json_string_value(json_object_get(problem, "member"));
    const char *reason = json_string_value(json_object_get(problem, "reason"));

    if (reason)
        failure(command, "%s%s%s", member ? member : "", member ? ": " : "", reason);
    else
        failure(command, "refused with %ld: %.200s", answer->status,
                answer->text ? answer->text : "");
    json_decref(problem);
    return EXIT_FAILED;
}

static void print_raw(const struct ctl_answer *answer)
{
    fwrite(answer->text, 1, answer->length, stdout);
    if (answer->length != 0 && answer->text[answer->length - 1] != '\n')
        fputc('\n', stdout);
}

static int print_answer(const struct command *command, const struct ctl_command *wanted,
                        const struct ctl_answer *answer, bool as_json)
{
    json_t *json;

    if (!answer->text) {
        puts(as_json ? "{}" : "done");
    } else if (as_json || !wanted->show) {
        print_raw(answer);
    } else {
        json = json_loadb(answer->text, answer->length, 0, NULL);
        if (!json)
            return failure(command, "the answer is not JSON: is this a dvbcssd?");
        wanted->show(json);
        json_decref(json);
    }
    return EXIT_DONE;
}

static int carry_out(const struct command *command, const struct ctl_command *wanted,
                     const struct arguments *arguments, const struct ctl_request *request)
{
    struct ctl_answer answer;
    char reason[512];
    int exit_code;

    if (ctl_http_request(&arguments->target, request, &answer, reason, sizeof reason) != 0)
        return failure(command, "%s", reason);
    exit_code = answer.status >= 200 && answer.status < 300
                    ? print_answer(command, wanted, &answer, arguments->json)
                    : report_refusal(command, &answer);
    free(answer.text);
    return exit_code;
}

static int run(const struct command *command, int argc, char **argv)
{
    enum { NUMBERS = 8 };
    char numbers[NUMBERS][32];
    const char *socket = getenv("DVBCSS_CONTROL_SOCKET");
    struct arguments arguments = {
        .target = {.socket = socket && *socket ? socket : DEFAULT_SOCKET, .timeout_s = 10}};
    const struct ctl_command *wanted;
    struct ctl_request request;
    struct ctl_error error = {"out of memory"};
    struct ctl_line line = {&arguments.options, 0, NULL};
    int words, exit_code;

    protect_numbers(argc, argv, numbers, NUMBERS);
    exit_code = read_arguments(command, argc, argv, &arguments);
    if (exit_code >= 0)
        return exit_code;
    wanted = ctl_command_find(argc - optind, argv + optind, &words);
    if (!wanted)
        return usage_error(command, "there is no command \"%s\"", argv[optind]);
    line.count = argc - optind - words;
    line.arguments = argv + optind + words;
    if (ctl_command_request(wanted, &line, &request, &error) != 0)
        exit_code = usage_error(command, "%s", error.text);
    else
        exit_code = carry_out(command, wanted, &arguments, &request);
    json_decref(request.body);
    return exit_code;
}

const struct command command_ctl = {"ctl", "look at a running dvbcssd, and change it", help, run};
