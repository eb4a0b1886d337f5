#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: dvbcssd [OPTION]...\n"
    "Serve as a television's companion interface: wall clock, CII and TS of DVB-CSS.\n"
    "\n"
    "  -c, --config FILE            read the configuration from FILE; without one the\n"
    "                               built-in demo programme runs\n"
    "  -s, --set SECTION.KEY=VALUE  set one key, over file and environment; repeatable\n"
    "  -r, --ready-file FILE        write the URLs as one JSON object to FILE once everything\n"
    "                               serves; - is standard output; repeatable\n"
    "      --check-config           check the configuration and exit\n"
    "      --print-config           print every key with its default and exit\n"
    "  -h, --help                   print this and exit\n"
    "  -V, --version                print the version and exit\n"
    "\n"
    "Each key is also an environment variable: http.port is DVBCSS_HTTP_PORT.\n"
    "SIGTERM and SIGINT end the daemon; its companions are told.\n"
    "\n"
    "Exit status: 0 after a clean end, 1 if it could not serve, 2 for a bad option or\n"
    "configuration.\n";

enum { CHECK_CONFIG = 256, PRINT_CONFIG };

/* What was found on the command line before the configuration is put together. */
struct command_line {
    const char *config_file;
    const char **assignments;
    int assignment_count;
    enum options_action action;
};

static void print_version(void)
{
    printf("dvbcssd %s\n", DVBCSS_VERSION);
}

/* Takes one option; false if it is none of ours. */
static bool take_option(int option, struct command_line *line, struct options *options)
{
    switch (option) {
    case 'c':
        line->config_file = optarg;
        return true;
    case 's':
        line->assignments[line->assignment_count++] = optarg;
        return true;
    case 'r':
        options->ready_files[options->ready_file_count++] = optarg;
        return true;
    case CHECK_CONFIG:
        line->action = OPTIONS_CHECK_CONFIG;
        return true;
    case PRINT_CONFIG:
        config_print_defaults(stdout);
        line->action = OPTIONS_DONE;
        return true;
    case 'h':
        fputs(help, stdout);
        line->action = OPTIONS_DONE;
        return true;
    case 'V':
        print_version();
        line->action = OPTIONS_DONE;
        return true;
    default:
        return false;
    }
}

/* Reads argv; getopt has said what is wrong when this fails. */
static int read_arguments(int argc, char **argv, struct command_line *line, struct options *options)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'},
        {"ready-file", required_argument, NULL, 'r'},
        {"check-config", no_argument, NULL, CHECK_CONFIG},
        {"print-config", no_argument, NULL, PRINT_CONFIG},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while (line->action != OPTIONS_DONE &&
           (option = getopt_long(argc, argv, "c:s:r:hV", long_options, NULL)) != -1) {
        if (!take_option(option, line, options))
            return -1;
    }
    if (line->action != OPTIONS_DONE && optind < argc) {
        fprintf(stderr, "dvbcssd: error: unexpected argument \"%s\"; see --help\n", argv[optind]);
        return -1;
    }
    return 0;
}

static int read_sources(const struct command_line *line, char *const *environment,
                        struct config *config, struct config_error *error)
{
    if (line->config_file && config_read_file(config, line->config_file, error) != 0)
        return -1;
    if (config_read_environment(config, environment, error) != 0)
        return -1;
    for (int i = 0; i < line->assignment_count; i++) {
        if (config_set(config, line->assignments[i], error) != 0)
            return -1;
    }
    return config_check(config, error);
}

enum options_action options_read(int argc, char **argv, char *const *environment,
                                 struct config *config, struct options *options)
{
    struct command_line line = {NULL, NULL, 0, OPTIONS_RUN};
    struct config_error error;

    options->ready_file_count = 0;
    options->ready_files = calloc((size_t)argc, sizeof *options->ready_files);
    line.assignments = calloc((size_t)argc, sizeof *line.assignments);
    if (!options->ready_files || !line.assignments) {
        fprintf(stderr, "dvbcssd: error: out of memory\n");
        line.action = OPTIONS_FAILED;
    } else if (read_arguments(argc, argv, &line, options) != 0) {
        line.action = OPTIONS_FAILED;
    } else if (line.action != OPTIONS_DONE &&
               read_sources(&line, environment, config, &error) != 0) {
        fprintf(stderr, "dvbcssd: error: %s\n", error.text);
        line.action = OPTIONS_FAILED;
    }
    free(line.assignments);
    return line.action;
}

void options_finish(struct options *options)
{
    free(options->ready_files);
    options->ready_files = NULL;
    options->ready_file_count = 0;
}
