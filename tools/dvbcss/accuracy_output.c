#include "accuracy_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FLAGS = O_WRONLY | O_CREAT | O_CLOEXEC, MODE = 0666 };

static bool refuse(const struct accuracy_output *output, const struct command *command)
{
    failure(command, "cannot write \"%s\": %s", output->path, strerror(errno));
    return false;
}

bool accuracy_output_open(struct accuracy_output *output, const struct command *command)
{
    int descriptor;

    if (!output->path)
        return true;
    descriptor = open(output->path, FLAGS | O_EXCL, MODE);
    output->made = descriptor >= 0;
    if (descriptor < 0 && errno == EEXIST)
        descriptor = open(output->path, FLAGS, MODE);
    if (descriptor < 0)
        return refuse(output, command);
    output->file = fdopen(descriptor, "w");
    if (output->file)
        return true;
    refuse(output, command);
    close(descriptor);
    return false;
}

bool accuracy_output_write(struct accuracy_output *output, const struct command *command,
                           const struct accuracy_report *report)
{
    FILE *file = output->file;
    bool good;

    if (!file)
        return true;
    output->file = NULL;
    /* Devices and pipes hold nothing that could be cut off. */
    good = ftruncate(fileno(file), 0) == 0 || errno == EINVAL;
    output->write(report, file);
    good = !ferror(file) && good;
    good = fclose(file) == 0 && good;
    return good || refuse(output, command);
}

void accuracy_output_finish(struct accuracy_output *output)
{
    if (!output->file)
        return;
    fclose(output->file);
    output->file = NULL;
    if (output->made)
        unlink(output->path);
}
