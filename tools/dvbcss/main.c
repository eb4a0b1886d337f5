/*
 * dvbcss: the companion side of DVB-CSS and its tools, one sub-command each.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct command *const commands[] = {
    &command_discover, &command_doctor, &command_companion, &command_wc,     &command_cii,
    &command_ts,       &command_ctl,    &command_decode,    &command_impair, &command_accuracy};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("Usage: dvbcss COMMAND [ARGUMENT]...\n"
          "Companion side and tools of DVB-CSS (ETSI TS 103 286-2).\n"
          "\n"
          "Commands:\n",
          out);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n'dvbcss COMMAND --help' says more; --version tells the version.\n", out);
}

int main(int argc, char **argv)
{
    /* Output into a pipe that nobody reads any more is an error like any other. */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return finish_output(NULL, EXIT_DONE);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("dvbcss %s\n", DVBCSS_VERSION);
        return finish_output(NULL, EXIT_DONE);
    }
    for (int i = 0; i < COMMANDS; i++) {
        const struct command *command = commands[i];

        if (strcmp(argv[1], command->name) == 0)
            return finish_output(command->name, command->run(command, argc - 1, argv + 1));
    }
    fprintf(stderr, "dvbcss: there is no command \"%s\"; see dvbcss --help\n", argv[1]);
    return EXIT_USAGE;
}
