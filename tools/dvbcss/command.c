#include "command.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

DVBCSS_PRINTF(2, 0)
static void complain(const struct command *command, const char *format, va_list arguments)
{
    fprintf(stderr, "dvbcss %s: ", command->name);
    terminal_vprint(stderr, format, arguments);
    fputc('\n', stderr);
}

int usage_error(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(command, format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try 'dvbcss %s --help'.\n", command->name);
    return EXIT_USAGE;
}

int failure(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    complain(command, format, arguments);
    va_end(arguments);
    return EXIT_FAILED;
}

/* Why standard output could not be written, as errno; 0 for nothing known. */
static int output_error;

bool flush_output(void)
{
    if (fflush(stdout) == 0)
        return true;
    /* The first reason is the true one: what failed is not tried again. */
    if (output_error == 0)
        output_error = errno;
    return false;
}

int finish_output(const char *name, int exit_code)
{
    (void)flush_output();
    if (!ferror(stdout) || output_error == EPIPE)
        return exit_code;
    fprintf(stderr, "dvbcss%s%s: cannot write the output%s%s\n", name ? " " : "", name ? name : "",
            output_error != 0 ? ": " : "", output_error != 0 ? strerror(output_error) : "");
    return exit_code == EXIT_DONE ? EXIT_FAILED : exit_code;
}

bool read_number(const char *text, double minimum, double maximum, double *out)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !isfinite(value) || value < minimum || value > maximum)
        return false;
    *out = value;
    return true;
}

bool read_integer(const char *text, int64_t minimum, int64_t maximum, int64_t *out)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(text, &end, 10);
    if (end == text || *end || errno || value < minimum || value > maximum)
        return false;
    *out = value;
    return true;
}

bool read_rate(const char *text, struct dvbcss_rate *out)
{
    char *end;
    unsigned long ticks, seconds = 1;

    errno = 0;
    ticks = strtoul(text, &end, 10);
    if (*end == '/')
        seconds = strtoul(end + 1, &end, 10);
    if (*text == '-' || *end || errno || ticks < 1 || seconds < 1 || ticks > UINT32_MAX ||
        seconds > UINT32_MAX)
        return false;
    *out = (struct dvbcss_rate){(uint32_t)ticks, (uint32_t)seconds};
    return true;
}
