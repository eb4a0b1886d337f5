/*
 * Runs a libFuzzer entry point over every file of the folders and files it is given: how a corpus
 * is replayed with any compiler. Fails if it found nothing to replay.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path, long size)
{
    /* Exactly as large as the input, so that the sanitizers see a read past its end. */
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    FILE *file = fopen(path, "rb");
    int result = -1;

    if (data && file && fread(data, 1, (size_t)size, file) == (size_t)size) {
        LLVMFuzzerTestOneInput(data, (size_t)size);
        result = 1;
    } else {
        perror(path);
    }
    if (file)
        fclose(file);
    free(data);
    return result;
}

/* Returns how many inputs ran, or -1. */
static int replay(const char *path)
{
    struct stat status;
    struct dirent *entry;
    DIR *folder;
    int total = 0;

    if (stat(path, &status) != 0) {
        perror(path);
        return -1;
    }
    if (!S_ISDIR(status.st_mode))
        return replay_file(path, (long)status.st_size);
    folder = opendir(path);
    if (!folder) {
        perror(path);
        return -1;
    }
    while ((entry = readdir(folder))) {
        char inner[4096];
        int count;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        count = replay(inner);
        if (count < 0) {
            total = -1;
            break;
        }
        total += count;
    }
    closedir(folder);
    return total;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        int count = replay(argv[i]);

        if (count < 0)
            return 1;
        total += count;
    }
    printf("%d inputs replayed\n", total);
    return total > 0 ? 0 : 1;
}
