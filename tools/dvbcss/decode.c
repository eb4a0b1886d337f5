/*
 * dvbcss decode: takes any message of DVB-CSS apart, field by field.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode_json.h"
#include "decode_text.h"
#include "decode_wc.h"

static const char help[] =
    "Usage: dvbcss decode [OPTION]... [TEXT]\n"
    "Take a DVB-CSS message apart: JSON of CII or TS, or a wall-clock message in hex or base64.\n"
    "Without TEXT, or if it is -, the message is read from standard input (there it may also be\n"
    "the 32 bytes themselves).\n"
    "\n"
    "  -a, --as KIND  take it for KIND and do not guess: wc, cii, setup, control or\n"
    "                 presentation (actual, earliest and latest)\n"
    "  -h, --help     print this and exit\n"
    "\n"
    "What the standard does not allow but devices in the field send is decoded, and marked.\n"
    "\n"
    "Exit status: 0 a correct message, 1 not a message or not a correct one, 2 bad command line.\n";

enum { INPUT_MAX = 1 << 20 };

/* The message as it was given; `bytes` has a NUL behind it. */
struct input {
    char *bytes;
    size_t length;
};

static int read_stdin(const struct command *command, struct input *input)
{
    input->bytes = malloc(INPUT_MAX + 1);
    if (!input->bytes)
        return failure(command, "out of memory");
    input->length = fread(input->bytes, 1, INPUT_MAX, stdin);
    if (ferror(stdin))
        return failure(command, "cannot read: %s", strerror(errno));
    if (!feof(stdin) && getchar() != EOF)
        return failure(command, "the input is longer than %d bytes", INPUT_MAX);
    input->bytes[input->length] = '\0';
    return EXIT_DONE;
}

static int read_argument(const struct command *command, const char *text, struct input *input)
{
    input->bytes = strdup(text);
    if (!input->bytes)
        return failure(command, "out of memory");
    input->length = strlen(text);
    return EXIT_DONE;
}

static const char *const kinds[] = {"wc", "cii", "setup", "control", "presentation", NULL};

/* Decodes bytes that are a message as it travels. */
static int decode_bytes(const struct command *command, const char *kind, const char *bytes,
                        size_t length)
{
    bool json = decode_looks_like_json(bytes, length);

    if (kind ? strcmp(kind, "wc") == 0 : !json)
        return decode_wc(command, bytes, length);
    return decode_json(command, kind, bytes, length);
}

/* Undoes hex or base64 if the input is one of these, and decodes what is inside. */
static int decode_input(const struct command *command, const char *kind, const struct input *input)
{
    unsigned char *inside = NULL;
    size_t length = 0;
    int exit_code;

    if (decode_looks_like_json(input->bytes, input->length))
        return decode_bytes(command, kind, input->bytes, input->length);
    switch (decode_text(input->bytes, input->length, &inside, &length)) {
    case DECODE_TEXT_NONE:
        exit_code = decode_bytes(command, kind, input->bytes, input->length);
        break;
    case DECODE_TEXT_HEX:
    case DECODE_TEXT_BASE64:
        exit_code = decode_bytes(command, kind, (const char *)inside, length);
        break;
    default:
        exit_code = failure(command, "out of memory");
    }
    free(inside);
    return exit_code;
}

static bool kind_known(const char *kind)
{
    for (int i = 0; kinds[i]; i++) {
        if (strcmp(kinds[i], kind) == 0)
            return true;
    }
    return false;
}

static int run(const struct command *command, int argc, char **argv)
{
    static const struct option options[] = {
        {"as", required_argument, NULL, 'a'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct input input = {NULL, 0};
    const char *kind = NULL;
    int option, exit_code;

    while ((option = getopt_long(argc, argv, "a:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (option == '?')
            return EXIT_USAGE;
        kind = optarg;
        if (!kind_known(kind))
            return usage_error(command, "--as cannot be \"%s\"", kind);
    }
    if (argc - optind > 1)
        return usage_error(command, "expected one message; put it in quotes");
    if (optind == argc || strcmp(argv[optind], "-") == 0)
        exit_code = read_stdin(command, &input);
    else
        exit_code = read_argument(command, argv[optind], &input);
    if (exit_code == EXIT_DONE)
        exit_code = decode_input(command, kind, &input);
    free(input.bytes);
    return exit_code;
}

const struct command command_decode = {"decode", "take any message apart, field by field", help,
                                       run};
