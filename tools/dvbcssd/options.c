#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "logging.h"

static const char help[] =
    "Usage: dvbcssd [OPTION]...\n"
    "Serve as a television's companion interface: wall clock, CII and TS of DVB-CSS, with\n"
    "discovery, App2App, TLS and pages for browsers where they are asked for.\n"
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
    "SIGHUP has it read its configuration again; SIGTERM and SIGINT end it, and its companions\n"
    "are told. dvbcss ctl looks at it and changes it while it runs.\n"
    "\n"
    "Exit status: 0 after a clean end, 1 if it could not serve, 2 for a bad option or\n"
    "configuration.\n";

enum { CHECK_CONFIG = 256, PRINT_CONFIG };

static void print_version(void)
{
    printf("dvbcssd %s\n", DVBCSS_VERSION);
}

/* Takes one option; false if it is none of ours. */
static bool take_option(int option, enum options_action *action, struct options *options)
{
    switch (option) {
    case 'c':
        options->config_file = optarg;
        return true;
    case 's':
        options->assignments[options->assignment_count++] = optarg;
        return true;
    case 'r':
        options->ready_files[options->ready_file_count++] = optarg;
        return true;
    case CHECK_CONFIG:
        *action = OPTIONS_CHECK_CONFIG;
        return true;
    case PRINT_CONFIG:
        config_print_defaults(stdout);
        *action = OPTIONS_DONE;
        return true;
    case 'h':
        fputs(help, stdout);
        *action = OPTIONS_DONE;
        return true;
    case 'V':
        print_version();
        *action = OPTIONS_DONE;
        return true;
    default:
        return false;
    }
}

/* Reads argv; getopt has said what is wrong when this fails. */
static int read_arguments(int argc, char **argv, enum options_action *action,
                          struct options *options)
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

    while (*action != OPTIONS_DONE &&
           (option = getopt_long(argc, argv, "c:s:r:hV", long_options, NULL)) != -1) {
        if (!take_option(option, action, options))
            return -1;
    }
    if (*action != OPTIONS_DONE && optind < argc) {
        logging_fatal("unexpected argument \"%s\"; see --help", argv[optind]);
        return -1;
    }
    return 0;
}

int options_read_config(const struct options *options, struct config *config,
                        struct config_error *error)
{
    if (options->config_file && config_read_file(config, options->config_file, error) != 0)
        return -1;
    if (config_read_environment(config, options->environment, error) != 0)
        return -1;
    for (int i = 0; i < options->assignment_count; i++) {
        if (config_set(config, options->assignments[i], error) != 0)
            return -1;
    }
    return config_check(config, error);
}

enum options_action options_read(int argc, char **argv, char *const *environment,
                                 struct config *config, struct options *options)
{
    enum options_action action = OPTIONS_RUN;
    struct config_error error;

    memset(options, 0, sizeof *options);
    options->environment = environment;
    options->ready_files = calloc((size_t)argc, sizeof *options->ready_files);
    options->assignments = calloc((size_t)argc, sizeof *options->assignments);
    if (!options->ready_files || !options->assignments) {
        logging_fatal("out of memory");
        return OPTIONS_FAILED;
    }
    if (read_arguments(argc, argv, &action, options) != 0)
        return OPTIONS_FAILED;
    if (action == OPTIONS_DONE || options_read_config(options, config, &error) == 0)
        return action;
    logging_fatal("%s", error.text);
    return OPTIONS_FAILED;
}

void options_finish(struct options *options)
{
    free(options->ready_files);
    free(options->assignments);
    memset(options, 0, sizeof *options);
}
